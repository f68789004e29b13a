// SPDX-License-Identifier: Apache-2.0

/**
 * The device's security counters; with this port MCUboot is built with MCUBOOT_HW_ROLLBACK_PROT:
 * images below the counter do not validate, and images without a counter neither.
 * @see MCUboot, boot/bootutil/include/bootutil/security_cnt.h
 */
export interface SecurityCounterPort {
  /** `boot_nv_security_counter_get`: 32 bits; null when it cannot be read. */
  read(imageIndex: number): number | null;
  /**
   * `boot_nv_security_counter_update`: called with the counter of an image each time that it may
   * rise, also when it is not above the stored one. False when it could not be written.
   */
  update(imageIndex: number, counter: number): boolean;
  /**
   * sdk-mcuboot's `boot_nv_image_should_have_security_counter`; true for every image when absent.
   * An image without one is neither checked nor raises anything.
   */
  isRequired?(imageIndex: number): boolean;
}
