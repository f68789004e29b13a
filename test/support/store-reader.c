/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Mounts dumps of a store and prints the winning record, as a bootloader would find it: C99, no
 * heap, no recursion, two page buffers. Written for the test against the generated header, so that
 * nothing but docs/store-format.md and that header is known here.
 *
 * A dump for this reader is the main area of every page, corrected; a page that could not be
 * corrected is all zeros, which is neither blank nor a record.
 */
#include <stdio.h>
#include <string.h>

#include "tandem-store-format.h"

#define PAGES ((long)TANDEM_PAGES_PER_BLOCK)

struct chain {
  long block; /* newest block; -1: the chain has none */
  uint64_t first_sequence;
  uint64_t sequence; /* of the newest record */
  long page;         /* where it stands, counted from the start of the chip */
};

static uint8_t page_buffer[TANDEM_PAGE_BYTES];
static struct tandem_record record;

static const char *const state_names[] = {
    "READY", "WRITING", "CANDIDATE", "STAGED",     "FAILED",
    "TRIAL", "REJECTED", "UPDATED",  "INSTALLING",
};

/* RFC 3720, appendix B.4: reflected, polynomial 0x1EDC6F41. */
static uint32_t crc32c(const uint8_t *bytes, size_t length) {
  uint32_t crc = 0xffffffffu;
  size_t i;
  int bit;
  for (i = 0; i < length; i++) {
    crc ^= bytes[i];
    for (bit = 0; bit < 8; bit++) crc = (crc >> 1) ^ ((crc & 1u) ? 0x82f63b78u : 0u);
  }
  return ~crc;
}

static int read_page(FILE *dump, long page) {
  if (fseek(dump, page * (long)TANDEM_PAGE_BYTES, SEEK_SET) != 0) return 0;
  return fread(page_buffer, 1, TANDEM_PAGE_BYTES, dump) == TANDEM_PAGE_BYTES;
}

static int is_blank(FILE *dump, long page) {
  size_t i;
  if (!read_page(dump, page)) return 0;
  for (i = 0; i < TANDEM_PAGE_BYTES; i++) {
    if (page_buffer[i] != 0xffu) return 0;
  }
  return 1;
}

/* Reads a page into `record`; false when it holds none that is whole. */
static int read_record(FILE *dump, long page) {
  size_t bank;
  if (!read_page(dump, page)) return 0;
  memcpy(&record, page_buffer, sizeof record);
  if (record.magic != TANDEM_RECORD_MAGIC) return 0;
  if (record.crc != crc32c(page_buffer, offsetof(struct tandem_record, crc))) return 0;
  if (record.format_version != TANDEM_RECORD_FORMAT_VERSION) return 0;
  if (record.state > TANDEM_STATE_INSTALLING) return 0;
  if (record.extent_count > TANDEM_EXTENTS) return 0;
  if (record.bad_block_count > TANDEM_BAD_BLOCKS) return 0;
  for (bank = 0; bank < TANDEM_BANKS; bank++) {
    if (record.banks[bank].image_count > TANDEM_IMAGES) return 0;
  }
  return 1;
}

/* First blank page of a block whose page 0 is used, by halving. */
static long used_pages(FILE *dump, long first) {
  long used = 1;
  long blank = PAGES;
  while (used < blank) {
    long middle = (used + blank) / 2;
    if (is_blank(dump, first + middle)) blank = middle;
    else used = middle + 1;
  }
  return used;
}

static void find_end(FILE *dump, struct chain *chain, unsigned id) {
  long first = chain->block * PAGES;
  long page;
  if (chain->block < 0) return;
  chain->sequence = chain->first_sequence;
  chain->page = first;
  for (page = used_pages(dump, first) - 1; page > 0; page--) {
    if (read_record(dump, first + page) && record.chain == id) {
      chain->sequence = record.sequence;
      chain->page = first + page;
      return;
    }
  }
}

/* The page of the winner, or -1. */
static long mount(FILE *dump, int *is_settled) {
  struct chain chains[TANDEM_CHAINS];
  const struct chain *a = &chains[0];
  const struct chain *b = &chains[1];
  unsigned id;
  long block;
  for (id = 0; id < TANDEM_CHAINS; id++) chains[id].block = -1;
  for (block = 0; block < (long)TANDEM_JOURNAL_BLOCKS; block++) {
    if (!read_record(dump, block * PAGES) || record.chain >= TANDEM_CHAINS) continue;
    id = record.chain;
    if (chains[id].block < 0 || record.sequence >= chains[id].first_sequence) {
      chains[id].block = block;
      chains[id].first_sequence = record.sequence;
    }
  }
  for (id = 0; id < TANDEM_CHAINS; id++) find_end(dump, &chains[id], id);
  *is_settled = a->block >= 0 && b->block >= 0 && a->sequence == b->sequence;
  if (b->block < 0 || (a->block >= 0 && a->sequence >= b->sequence)) {
    return a->block < 0 ? -1 : a->page;
  }
  return b->page;
}

static void print_hex(const uint8_t *bytes, size_t length) {
  size_t i;
  for (i = 0; i < length; i++) printf("%02x", bytes[i]);
}

static void print_bank_number(const char *role, unsigned bank) {
  if (bank == TANDEM_NONE) printf(" %s=-", role);
  else printf(" %s=%u", role, bank);
}

static void print_image(unsigned bank, unsigned image) {
  const struct tandem_bank_image *held = &record.banks[bank].images[image];
  unsigned copy;
  unsigned i;
  printf("image %u.%u size=%lu file=", bank, image, (unsigned long)held->size_bytes);
  print_hex(held->file_digest, sizeof held->file_digest);
  printf(" hash=");
  print_hex(held->image_hash, sizeof held->image_hash);
  printf(" version=");
  print_hex(held->version, sizeof held->version);
  for (copy = 0; copy < 2; copy++) {
    printf(" copy%u=", copy);
    for (i = 0; i < record.extent_count; i++) {
      const struct tandem_extent *extent = &record.extents[i];
      if (extent->owner != ((bank << 4) | (image << 1) | copy)) continue;
      printf("[%u+%u@%lu]", (unsigned)extent->first_block, (unsigned)extent->count,
             (unsigned long)extent->first_sequence);
    }
  }
  printf("\n");
}

static void print_record(int is_settled) {
  unsigned bank;
  unsigned image;
  unsigned i;
  /* %llu is not needed: a sequence is printed in two halves. */
  printf("record %08lx%08lx settled=%d state=%s attempts=%u trials=%u",
         (unsigned long)(record.sequence >> 32), (unsigned long)(record.sequence & 0xffffffffu),
         is_settled, state_names[record.state], (unsigned)record.attempts,
         (unsigned)record.trials);
  print_bank_number("accepted", record.accepted_bank);
  print_bank_number("previous", record.previous_bank);
  print_bank_number("candidate", record.candidate_bank);
  print_bank_number("target", record.target_bank);
  printf(" limp=%d cursor=%u next=%lu\n", (record.flags & TANDEM_RECORD_FLAG_LIMP) != 0,
         (unsigned)record.cursor, (unsigned long)record.next_allocation);
  if (record.has_reason) {
    printf("reason %u %u %u %lu\n", (unsigned)record.reason_image, (unsigned)record.reason_step,
           (unsigned)record.reason_code, (unsigned long)record.reason_detail);
  }
  printf("bad");
  for (i = 0; i < record.bad_block_count; i++) printf(" %u", (unsigned)record.bad_blocks[i]);
  printf("\n");
  for (i = 0; i < TANDEM_IMAGES; i++) {
    printf("installed ");
    print_hex(record.installed[i], sizeof record.installed[i]);
    printf("\n");
  }
  for (bank = 0; bank < TANDEM_BANKS; bank++) {
    printf("bank %u counter=%lu\n", bank, (unsigned long)record.banks[bank].security_counter);
    for (image = 0; image < record.banks[bank].image_count; image++) print_image(bank, image);
  }
}

int main(int argc, char **argv) {
  int i;
  for (i = 1; i < argc; i++) {
    int is_settled = 0;
    long page;
    FILE *dump = fopen(argv[i], "rb");
    if (dump == NULL) return 2;
    page = mount(dump, &is_settled);
    printf("dump %d\n", i - 1);
    if (page < 0 || !read_record(dump, page)) printf("no record\n");
    else print_record(is_settled);
    fclose(dump);
  }
  return 0;
}
