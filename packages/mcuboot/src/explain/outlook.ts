// SPDX-License-Identifier: Apache-2.0
import type { ResolvedBootConfig } from "../boot-config.js";
import type { ImageDecision } from "../boot-result.js";
import type { FlashBoard } from "../flash-board.js";
import type { ExplainedBoot } from "./explain-boot.js";
import { error, warning } from "./finding.js";
import type { Explained, Finding } from "./finding.js";
import { isSwapMode } from "./step-context.js";
import type { SlotFacts } from "./slot-facts.js";

/** What the outlook is drawn from, beside the boots. */
interface Scene {
  readonly config: ResolvedBootConfig;
  /** Before the first boot. */
  readonly slots: readonly SlotFacts[];
  /** As it was handed in. */
  readonly board: FlashBoard;
}

type Boots = readonly [ExplainedBoot, ExplainedBoot];

/** What no single step shows: what the next boot undoes, and images that no longer fit each other. */
export function outlook(boots: Boots, scene: Scene): Finding[] {
  return [
    ...trials(boots, scene),
    ...splits(boots, scene),
    ...unverified(boots, scene),
    ...deadEnds(boots),
  ];
}

function finding(image: number, explained: Explained, where: string): Finding {
  const { id, severity, does, why, change } = explained;
  return { id, image, severity, does, why, where, change };
}

const SWAP_TYPE = "boot_swap_type_multi (bootutil_public.c)";
const LOADER = "context_boot_go (loader.c)";

/** Images that the second boot takes back. */
function trials([first, second]: Boots, { config }: Scene): Finding[] {
  if (!isSwapMode(config)) return [];
  return second.decisions
    .filter(({ image, decided }) => decided === "revert" && isInstalled(first.decisions[image]))
    .map(({ image }) =>
      finding(
        image,
        warning(
          "outlook/trial",
          "the second boot takes the update back, unless the application confirms it before",
          "the update is on trial: copy_done is set, image_ok is not",
          "confirm it from the new image: boot_write_img_confirmed(), or `image confirm` over MCUmgr",
        ),
        SWAP_TYPE,
      ),
    );
}

function isInstalled(decision: ImageDecision | undefined): boolean {
  const kinds = [decision?.decided, decision?.resumed];
  return kinds.some((kind) => kind === "test" || kind === "perm");
}

/** Several images of which one boot moves some and leaves others. */
function splits([first]: Boots, { slots }: Scene): Finding[] {
  const moved = first.decisions.filter(isMoved);
  const isResumed = moved.some(({ resumed }) => resumed !== null);
  // Power may have gone between the images of one update: then the others were moved before.
  const left = first.decisions.filter(
    (decision) => !isMoved(decision) && !(isResumed && isSwapped(decision.image, slots)),
  );
  const [one] = left;
  if (moved.length === 0 || one === undefined) return [];
  const isRevert = moved.some(({ decided, resumed }) => [decided, resumed].includes("revert"));
  const change = isRevert
    ? "confirm all images or none; between two confirmations a reset splits them"
    : "mark all images before the reset, and sign each with a dependency on the others";
  const isConfirmed = left.some(({ image }) => isAccepted(image, slots));
  return [
    finding(
      one.image,
      warning(
        isRevert && isConfirmed ? "outlook/split-confirm" : "outlook/split",
        `image ${indexes(moved)} changes, image ${indexes(left)} stays: they may not fit each other`,
        "MCUboot decides for each image by its own trailer; only dependencies tie images together",
        change,
      ),
      LOADER,
    ),
  ];
}

function isMoved({ decided, resumed }: ImageDecision): boolean {
  return [decided, resumed].some((kind) => kind === "test" || kind === "perm" || kind === "revert");
}

function indexes(decisions: readonly ImageDecision[]): string {
  return decisions.map(({ image }) => image).join(" and ");
}

function isAccepted(image: number, slots: readonly SlotFacts[]): boolean {
  const trailer = primaryOf(image, slots)?.trailer;
  return trailer?.magic === "good" && trailer.imageOk === "set";
}

function isSwapped(image: number, slots: readonly SlotFacts[]): boolean {
  const trailer = primaryOf(image, slots)?.trailer;
  return trailer?.magic === "good" && trailer.copyDone === "set";
}

function primaryOf(image: number, slots: readonly SlotFacts[]): SlotFacts | undefined {
  return slots.find((facts) => facts.image === image && facts.slot === "primary");
}

/** An image that starts although it does not validate. */
function unverified([first]: Boots, { config, board }: Scene): Finding[] {
  if (config.validatePrimary || first.starts === null) return [];
  const checked = board.fork({ validatePrimary: true }).boot();
  if (checked.kind === "boot") return [];
  return [
    finding(
      checked.why.image,
      error(
        "outlook/unverified",
        "starts an image that is not valid",
        "without MCUBOOT_VALIDATE_PRIMARY_SLOT only the magic of the header is looked at",
        "build MCUboot with MCUBOOT_VALIDATE_PRIMARY_SLOT (CONFIG_BOOT_VALIDATE_SLOT0)",
      ),
      LOADER,
    ),
  ];
}

/** Flash that no further boot brings to life. */
function deadEnds([first, second]: Boots): Finding[] {
  if (first.starts !== null || second.starts !== null) return [];
  if (JSON.stringify(first.slots) !== JSON.stringify(second.slots)) return [];
  return [
    finding(
      second.why?.image ?? 0,
      error(
        "outlook/dead-end",
        "no further boot starts anything",
        "the second boot found what the first one had found, and left it like that",
        "write the slots with a programmer, or through serial recovery if MCUboot has it",
      ),
      LOADER,
    ),
  ];
}
