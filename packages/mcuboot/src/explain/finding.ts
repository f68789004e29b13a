// SPDX-License-Identifier: Apache-2.0
import type { BootMode } from "../boot-config.js";

/**
 * How much a finding matters: `info` is MCUboot at work, `warning` is what few people want,
 * `error` keeps an image from being installed or started.
 */
export type Severity = "info" | "warning" | "error";

/** One thing that MCUboot does at a boot, and the reason. */
export interface Finding {
  /** Stable name of the reason, `topic/what`. */
  readonly id: string;
  /** Index of the image that it is about. */
  readonly image: number;
  readonly severity: Severity;
  /** What MCUboot does, a sentence without full stop. */
  readonly does: string;
  /** The bytes and the rule that make it do that. */
  readonly why: string;
  /** MCUboot's function and file. */
  readonly where: string;
  /** What to change to get another outcome; null when there is nothing to change. */
  readonly change: string | null;
}

/** A finding before it knows its image and its place. */
export type Explained = Omit<Finding, "image" | "where">;

/** Shorthand for a finding that asks for nothing. */
export function info(id: string, does: string, why: string): Explained {
  return { id, severity: "info", does, why, change: null };
}

/** Shorthand for a finding that few people want. */
export function warning(id: string, does: string, why: string, change: string | null): Explained {
  return { id, severity: "warning", does, why, change };
}

/** Shorthand for a finding that keeps an image from being installed or started. */
export function error(id: string, does: string, why: string, change: string | null): Explained {
  return { id, severity: "error", does, why, change };
}

const FILES: Readonly<Record<string, readonly string[]>> = {
  "loader.c": [
    "boot_complete_partial_swap",
    "boot_copy_image",
    "boot_get_slot_usage",
    "boot_load_and_validate_images",
    "boot_perform_update",
    "boot_prepare_image_for_update",
    "boot_review_image_swap_types",
    "boot_rom_address_check",
    "boot_select_or_erase",
    "boot_swap_image",
    "boot_update_hw_rollback_protection",
    "boot_validate_slot",
    "boot_validated_swap_type",
    "boot_verify_dependencies",
    "boot_verify_slot_dependencies",
    "boot_verify_slot_dependency",
    "check_downgrade_prevention",
    "context_boot_go",
    "find_slot_with_highest_version",
  ],
  "bootutil_area.c": ["boot_erase_region", "boot_scramble_region", "boot_scramble_slot"],
  "bootutil_loader.c": [
    "boot_check_header_valid",
    "boot_check_image",
    "boot_read_image_headers",
    "boot_update_security_counter",
  ],
  "bootutil_misc.c": ["boot_read_sectors"],
  "bootutil_public.c": ["boot_read_swap_state", "boot_swap_type_multi"],
  "image_validate.c": ["bootutil_img_validate"],
  "single_loader.c": ["boot_image_load_header", "boot_image_validate"],
  "swap_misc.c": [
    "swap_read_status",
    "swap_scramble_trailer_sectors",
    "swap_set_copy_done",
    "swap_set_image_ok",
    "swap_status_init",
  ],
};

/** Functions that each kind of swap has its own of. */
const PER_MODE: readonly string[] = ["boot_slots_compatible", "swap_run", "swap_status_source"];

/** A function of MCUboot with the file that it stands in; hooks stand in the product. */
export function whereIs(source: string, mode: BootMode): string {
  if (PER_MODE.includes(source)) {
    return `${source} (swap_${mode === "move" || mode === "offset" ? mode : "scratch"}.c)`;
  }
  const found = Object.entries(FILES).find(([, functions]) => functions.includes(source));
  return found === undefined ? source : `${source} (${found[0]})`;
}
