// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";

import { dtLayout } from "../model/dt-layout.js";
import { readDevicetree, walkNodes } from "./devicetree.js";
import { readKconfig } from "./kconfig.js";
import { readPartitions, readRegions } from "./partition-manager.js";
import { SourceText } from "./source-text.js";

const source = (text: string, name = "file"): SourceText => new SourceText(name, text);

describe("SourceText", () => {
  it("knows line and column of every offset, with any line ends", () => {
    const text = source("ab\r\ncd\n\nef");
    expect(text.placeOf(0, 9)).toMatchObject({ line: 1, column: 1, length: 2 });
    expect(text.placeOf(5, 1)).toMatchObject({ line: 2, column: 2, length: 1 });
    expect(text.placeOf(7, 1)).toMatchObject({ line: 3, column: 1, length: 1 });
    expect(text.placeOf(9, 1)).toMatchObject({ line: 4, column: 2, length: 1 });
    expect([1, 2, 3, 4, 5].map((line) => text.line(line))).toEqual(["ab", "cd", "", "ef", ""]);
  });
});

describe("readPartitions", () => {
  it("resolves anchors and merges, and keeps the place of each value", () => {
    const { partitions } = readPartitions(
      source(
        "base: &base\n  region: external_flash\n  device: MX25R64\napp: {address: 0x10200, size: 0xdfe00}\n" +
          "slot:\n  <<: *base\n  address: 0x0\n  size: 1024\n  orig_span: &id001\n  - pad\n  - app\n  span: *id001\n",
      ),
    );
    const slot = partitions.find(({ name }) => name === "slot");
    expect(slot?.region).toEqual({
      value: "external_flash",
      place: { file: "file", line: 2, column: 11, length: 14 },
    });
    expect(slot?.size).toMatchObject({ value: 1024, place: { line: 8, column: 9 } });
    expect(slot?.span?.map(({ value }) => value)).toEqual(["pad", "app"]);
    expect(partitions[1]?.address?.place).toEqual({ file: "file", line: 4, column: 16, length: 7 });
  });

  it.each([
    ["0x1F", 31],
    ["0b101", 5],
    ["010", 8],
    ["1_000", 1000],
    ["0", 0],
  ])("reads %s as PyYAML does", (text, value) => {
    expect(readPartitions(source(`a: {size: ${text}}`)).partitions[0]?.size?.value).toBe(value);
  });

  it("takes one name for a list of one, and the last of two equal keys", () => {
    const [partition] = readPartitions(
      source("a:\n  span: app\n  size: 1\n  size: 2\n"),
    ).partitions;
    expect(partition?.span?.map(({ value }) => value)).toEqual(["app"]);
    expect(partition?.size?.value).toBe(2);
  });

  it("reads an empty file, and one of comments, as no partitions", () => {
    expect(readPartitions(source("")).partitions).toEqual([]);
    expect(readPartitions(source("# nothing\n")).partitions).toEqual([]);
  });

  it("reads regions", () => {
    const [region] = readRegions(
      source(
        "ram_flash:\n  base_address: 0x0\n  size: 0x40000\n  placement_strategy: start_to_end\n",
      ),
    );
    expect(region).toMatchObject({
      name: "ram_flash",
      base: 0,
      size: { value: 0x40000 },
      placement: "start_to_end",
    });
  });
});

describe("readKconfig", () => {
  it("reads what kconfiglib reads", () => {
    const file = readKconfig(
      source(
        'CONFIG_A=y # why\r\nCONFIG_B="a \\"b\\" c" \n# CONFIG_C is not set\n# CONFIG_D=y\n\n  # indented\nCONFIG_E= 1536\nSB_CONFIG_F=0x1F\nCONFIG_G=m\n',
        "prj.conf",
      ),
    );
    expect(file.assignments.map(({ symbol, value, place }) => [symbol, value, place.line])).toEqual(
      [
        ["CONFIG_A", "y", 1],
        ["CONFIG_B", 'a "b" c', 2],
        ["CONFIG_C", "n", 3],
        ["CONFIG_E", "1536", 7],
        ["SB_CONFIG_F", "0x1F", 8],
        ["CONFIG_G", "m", 9],
      ],
    );
    expect([file.malformed, file.complete]).toEqual([[], false]);
  });

  it("takes a .config for complete", () => {
    expect(readKconfig(source("CONFIG_A=y\n", "build/app/zephyr/.config")).complete).toBe(true);
  });
});

/** Values of the cells of a property with this text. */
function cellsOf(text: string, before: string): readonly (number | null)[] {
  const { root } = readDevicetree(source(`${before}\n/ { node { reg = <${text}>; }; };`));
  return [...walkNodes([root])].flatMap(
    (node) => node.properties.get("reg")?.cells.map(({ value }) => value) ?? [],
  );
}

describe("readDevicetree", () => {
  it.each([
    ["0x10 020 7 0", [16, 16, 7, 0]],
    ["DT_SIZE_K(64) (DT_SIZE_M(1) - 0x200)", [65536, 1048064]],
    ["(1 + 2 * 3) ((1 + 2) * 3) (10 / 3) (10 % 4)", [7, 9, 3, 2]],
    ["(1 << 4 | 1) (0xff & ~0xf) (6 ^ 3) (-1 + 2)", [17, 240, 5, 1]],
    ["(1 < 2 ? 5 : 6) (2 >= 3 ? 5 : 6) (!0) (1 && 0 || 1)", [5, 6, 1, 1]],
    ["SLOT_SIZE (SLOT_SIZE / 2) UNKNOWN OTHER(1, 2) (1 / 0)", [4096, 2048, null, null, null]],
    ["&label 5", [null, 5]],
  ])("evaluates <%s>", (text, expected) => {
    expect(cellsOf(text, "#define SLOT_SIZE (4 * 1024) // one sector")).toEqual(expected);
  });

  it("merges what is said of a node, and forgets what is deleted", () => {
    const file = readDevicetree(
      source(
        '/dts-v1/;\n#include <nordic/nrf5340.dtsi>\n/ { a: one { x = "1"; y; }; two { }; };\n' +
          '&a { x = "2"; /delete-property/ y; child { }; };\n/ { /delete-node/ two; };\n/delete-node/ &gone;\n&base { status = "okay"; };\n',
      ),
    );
    const one = file.root.children[0];
    expect([file.complete, file.includes]).toEqual([true, ["nordic/nrf5340.dtsi"]]);
    expect(file.root.children.map(({ name }) => name)).toEqual(["one"]);
    expect(one?.properties.get("x")?.strings[0]?.value).toBe("2");
    expect([one?.properties.has("y"), one?.children.map(({ name }) => name)]).toEqual([
      false,
      ["child"],
    ]);
    expect(file.deleted.map(({ value }) => value)).toEqual(["gone"]);
    expect(file.references.map(({ name }) => name)).toEqual(["&base"]);
  });

  it("skips what it does not need", () => {
    const { root } = readDevicetree(
      source(
        "/memreserve/ 0x0 0x1000;\n#if defined(X) && \\\n  defined(Y)\n#endif\nMACRO(a, (b));\n/ {\n" +
          '  prop = /bits/ 8 <1 2 3>, [de ad], "s", &{/soc}, PINS(1, 2);\n  MACRO(x)\n  l1: l2: node@0 { };\n};\n',
      ),
    );
    const property = root.properties.get("prop");
    expect([property?.cells, property?.bytes, property?.strings.length]).toEqual([
      [],
      [0xde, 0xad],
      1,
    ]);
    expect(root.children[0]?.labels).toEqual(["l1", "l2"]);
  });
});

describe("dtLayout of a zephyr.dts", () => {
  // As Zephyr writes it: one tree, phandles, and the origin of every line in a comment.
  const built = `/dts-v1/;
/ {
	#address-cells = < 0x1 >;         /* in zephyr/dts/skeleton.dtsi:9 */
	#size-cells = < 0x1 >;
	chosen {
		zephyr,flash = &flash0;          /* in board.dts:16 */
		zephyr,code-partition = &slot0_partition;
	};
	soc {
		peripheral@50000000 {
			flash_controller: flash-controller@39000 {
				flash0: flash@0 {
					compatible = "soc-nv-flash";
					erase-block-size = < 0x1000 >;
					write-block-size = < 0x4 >;
					reg = < 0x0 0x100000 >;
					partitions {
						compatible = "fixed-partitions";
						boot_partition: partition@0 { reg = < 0x0 0x10000 >; };
						slot0_partition: partition@10000 {
							compatible = "fixed-subpartitions";
							reg = < 0x10000 0x80000 >;
							ranges = < 0x0 0x10000 0x80000 >;
							slot0_s_partition: partition@0 { reg = < 0x0 0x40000 >; };
							slot0_ns_partition: partition@40000 { reg = < 0x40000 0x40000 >; };
						};
					};
				};
			};
			qspi: qspi@2b000 {
				compatible = "nordic,nrf-qspi";
				mx25r64: mx25r6435f@0 {
					compatible = "nordic,qspi-nor";
					jedec-id = [ C2 28 17 ];
					size = < 0x4000000 >;
					partitions {
						compatible = "fixed-partitions";
						slot1_partition: partition@0 { reg = < 0x0 0x80000 >; };
					};
				};
			};
		};
	};
	sim: nordic_ram_flash_controller {
		compatible = "zephyr,sim-flash";
		flash_sim0: flash_sim@0 {
			compatible = "soc-nv-flash";
			reg = < 0x0 0x40000 >;
			partitions {
				compatible = "fixed-partitions";
				slot2_partition: partition@0 { reg = < 0x0 0x40000 >; };
			};
		};
	};
};
`;

  it("finds slots, their chips, and partitions inside of partitions", () => {
    const layout = dtLayout(readDevicetree(source(built, "build/app/zephyr/zephyr.dts")));
    expect([layout.source, layout.core]).toEqual(["devicetree", "app"]);
    expect(
      layout.partitions.map(({ name, address, size, memory, slot, parent }) => [
        name,
        address,
        size,
        memory.kind,
        slot,
        parent,
      ]),
    ).toEqual([
      ["boot_partition", 0, 0x10000, "app-flash", null, null],
      ["slot0_partition", 0x10000, 0x80000, "app-flash", { kind: "primary", image: 0 }, null],
      ["slot0_s_partition", 0x10000, 0x40000, "app-flash", null, "slot0_partition"],
      ["slot0_ns_partition", 0x50000, 0x40000, "app-flash", null, "slot0_partition"],
      ["slot1_partition", 0, 0x80000, "external", { kind: "secondary", image: 0 }, null],
      ["slot2_partition", 0, 0x40000, "ram-flash", { kind: "primary", image: 1 }, null],
    ]);
    const external = layout.memories.find(({ kind }) => kind === "external");
    expect(external).toMatchObject({ name: "mx25r64", size: 0x800000, nand: null });
  });

  it("tells the network core's tree by its flash", () => {
    const net = "/dts-v1/;\n/ { chosen { zephyr,flash = &flash1; }; };\n";
    expect(dtLayout(readDevicetree(source(net))).core).toBe("net");
    expect(dtLayout(readDevicetree(source("&flash1 { };\n", "b0n.overlay"))).core).toBe("net");
  });
});
