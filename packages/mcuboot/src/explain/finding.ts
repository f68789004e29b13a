// SPDX-License-Identifier: Apache-2.0

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

const FILES: readonly (readonly [file: string, functions: readonly string[]])[] = [
  [
    "loader.c",
    [
      "boot_prepare_image_for_update",
      "boot_validate_slot",
      "boot_validated_swap_type",
      "boot_verify_dependencies",
      "boot_verify_slot_dependencies",
      "boot_verify_slot_dependency",
      "boot_review_image_swap_types",
      "boot_perform_update",
      "boot_complete_partial_swap",
      "boot_copy_image",
      "boot_swap_image",
      "boot_load_and_validate_images",
      "boot_select_or_erase",
      "boot_rom_address_check",
      "boot_get_slot_usage",
      "boot_update_hw_rollback_protection",
      "check_downgrade_prevention",
      "context_boot_go",
      "find_slot_with_highest_version",
    ],
  ],
  ["bootutil_public.c", ["boot_swap_type_multi", "boot_read_swap_state", "boot_write_trailer"]],
  ["bootutil_loader.c", ["boot_check_image", "boot_check_header_valid", "boot_read_image_headers"]],
  ["image_validate.c", ["bootutil_img_validate"]],
  ["bootutil_area.c", ["boot_scramble_slot", "boot_scramble_region", "boot_erase_region"]],
  ["swap_misc.c", ["swap_read_status", "swap_status_init", "swap_set_image_ok"]],
];

/** A function of MCUboot's boot/bootutil/src with its file, as far as it is known. */
export function whereIs(source: string): string {
  const found = FILES.find(([, functions]) => functions.includes(source));
  return found === undefined ? source : `${source} (${found[0]})`;
}
