// SPDX-License-Identifier: Apache-2.0

/** Files of a project by path. */
export type ProjectFiles = Readonly<Record<string, string | Uint8Array>>;

/** Both cores updated in one go from external flash, with Partition Manager. */
export const PM_PROJECT = {
  "pm_static.yml": `mcuboot:
  address: 0x0
  size: 0x10000
  region: flash_primary
mcuboot_pad:
  address: 0x10000
  size: 0x200
  region: flash_primary
app:
  address: 0x10200
  size: 0xdfe00
  region: flash_primary
mcuboot_primary_app:
  address: 0x10200
  size: 0xdfe00
  region: flash_primary
  span: [app]
mcuboot_primary:
  address: 0x10000
  size: 0xe0000
  region: flash_primary
  span: [mcuboot_pad, app]
settings_storage:
  address: 0xf0000
  size: 0x10000
  region: flash_primary
mcuboot_primary_1:
  address: 0x0
  size: 0x40000
  device: nordic_ram_flash_controller
  region: ram_flash
mcuboot_secondary:
  address: 0x0
  size: 0xe0000
  device: MX25R64
  region: external_flash
mcuboot_secondary_1:
  address: 0xe0000
  size: 0x40000
  device: MX25R64
  region: external_flash
pcd_sram:
  address: 0x20000000
  size: 0x2000
  region: sram_primary
`,
  "sysbuild.conf": `SB_CONFIG_BOOTLOADER_MCUBOOT=y
SB_CONFIG_SECURE_BOOT_NETCORE=y
SB_CONFIG_NETCORE_APP_UPDATE=y
SB_CONFIG_MCUBOOT_NRF53_MULTI_IMAGE_UPDATE=y
SB_CONFIG_MCUBOOT_MODE_OVERWRITE_ONLY=y
SB_CONFIG_BOOT_SIGNATURE_KEY_FILE="/keys/product.pem"
`,
  "sysbuild/mcuboot.conf": `CONFIG_BOOT_MAX_IMG_SECTORS=256
CONFIG_FPROTECT=y
`,
  "sysbuild/ipc_radio.conf": `CONFIG_FW_INFO_FIRMWARE_VERSION=7
`,
  "prj.conf": `CONFIG_BT=y
`,
} as const satisfies ProjectFiles;

const SLOTS = `&flash0 {
	partitions {
		boot_partition: partition@0 {
			reg = <0x0 DT_SIZE_K(64)>;
		};
		slot0_partition: partition@10000 {
			reg = <0x10000 DT_SIZE_K(896)>;
		};
		storage_partition: partition@f0000 {
			reg = <0xf0000 DT_SIZE_K(64)>;
		};
	};
};

&mx25r64 {
	partitions {
		compatible = "fixed-partitions";
		#address-cells = <1>;
		#size-cells = <1>;
		slot1_partition: partition@0 {
			reg = <0x0 DT_SIZE_K(896)>;
		};
		slot3_partition: partition@e0000 {
			reg = <0xe0000 DT_SIZE_K(256)>;
		};
	};
};
`;

/** The same with devicetree partitions. */
export const DT_PROJECT = {
  "app.overlay": `${SLOTS}
/ {
	chosen {
		zephyr,code-partition = &slot0_partition;
	};
};
`,
  "sysbuild/mcuboot.overlay": `${SLOTS}
/ {
	chosen {
		zephyr,code-partition = &boot_partition;
	};
};
`,
  "sysbuild/b0n.overlay": `&flash1 {
	partitions {
		ranges;
		b0n_partition: partition@0 {
			compatible = "zephyr,mapped-partition";
			reg = <0x0 0x8580>;
		};
		s0_partition: partition@8800 {
			compatible = "zephyr,mapped-partition";
			reg = <0x8800 DT_SIZE_K(222)>;
		};
	};
};
`,
  "sysbuild.conf": `${PM_PROJECT["sysbuild.conf"]}SB_CONFIG_PARTITION_MANAGER=n
`,
  "sysbuild/mcuboot.conf": `CONFIG_BOOT_MAX_IMG_SECTORS_AUTO=n
CONFIG_BOOT_MAX_IMG_SECTORS=224
CONFIG_FPROTECT=y
`,
  "sysbuild/ipc_radio.conf": PM_PROJECT["sysbuild/ipc_radio.conf"],
  "prj.conf": PM_PROJECT["prj.conf"],
} as const satisfies ProjectFiles;

/** A store on NAND in place of secondary slots. */
export const NAND_PROJECT = {
  "app.overlay": `&spi4 {
	w25n01gv: w25n01gv@0 {
		compatible = "jedec,spi-nand";
		jedec-id = [ef aa 21];
		size-bytes = <DT_SIZE_M(128)>;
		plane-bytes = <DT_SIZE_M(128)>;
		erase-block-size = <DT_SIZE_K(128)>;
		write-block-size = <2048>;
		partitions {
			compatible = "fixed-partitions";
			#address-cells = <1>;
			#size-cells = <1>;
			tandem_store: partition@0 {
				reg = <0x0 DT_SIZE_M(64)>;
			};
			spare_partition: partition@4000000 {
				reg = <0x4000000 DT_SIZE_M(64)>;
			};
		};
	};
};
`,
  "sysbuild.conf": `SB_CONFIG_BOOTLOADER_MCUBOOT=y
SB_CONFIG_SECURE_BOOT_NETCORE=y
SB_CONFIG_NETCORE_APP_UPDATE=y
SB_CONFIG_MCUBOOT_MODE_SINGLE_APP=y
SB_CONFIG_BOOT_SIGNATURE_KEY_FILE="/keys/product.pem"
SB_CONFIG_PARTITION_MANAGER=n
`,
  "prj.conf": PM_PROJECT["prj.conf"],
} as const satisfies ProjectFiles;
