/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads boot vectors (docs/porting.md) and does on plain memory what their `do` lines say: what is
 * left then has to be what the `out` lines say. The skeleton of a harness for a port, which would
 * run its own boot in place of `apply`, with ports that compare each call with the next `do` line.
 *
 * Prints the number of boots; any other output is an error, and the exit status is 1.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINE_BYTES 4096

/* Pages by their place in pages.bin, -1: blank; with the bits that the ECC corrected, -1: lost. */
struct store {
  long page_bytes, pages_per_block, blocks;
  long *offset, *bits;
};

struct nor {
  long page_bytes, word_bytes, size;
  uint8_t *bytes;
};

struct device {
  struct store store;
  struct nor app, net;
};

static uint8_t *pool;
static long pool_size;
static long net_slot;
static long line_number;

static void fail(const char *why)
{
  printf("boots.txt:%ld: %s\n", line_number, why);
  exit(1);
}

static void check(int holds, const char *why)
{
  if (!holds) {
    fail(why);
  }
}

static void *allocate(size_t size)
{
  void *memory = malloc(size);

  check(memory != NULL, "out of memory");
  return memory;
}

static long pages_of(const struct store *store)
{
  return store->pages_per_block * store->blocks;
}

static void make(struct device *device, const struct device *like)
{
  *device = *like;
  device->store.offset = allocate((size_t)pages_of(&like->store) * sizeof(long));
  device->store.bits = allocate((size_t)pages_of(&like->store) * sizeof(long));
  device->app.bytes = allocate((size_t)like->app.size);
  device->net.bytes = allocate((size_t)like->net.size);
}

static void blank(struct device *device)
{
  for (long page = 0; page < pages_of(&device->store); page++) {
    device->store.offset[page] = -1;
    device->store.bits[page] = 0;
  }
  memset(device->app.bytes, 0xff, (size_t)device->app.size);
  memset(device->net.bytes, 0xff, (size_t)device->net.size);
}

static const uint8_t *bytes_at(long offset, long length)
{
  check(offset >= 0 && length >= 0 && offset <= pool_size - length, "no such bytes");
  return pool + offset;
}

static void erase(struct nor *nor, long address)
{
  check(address >= 0 && address <= nor->size - nor->page_bytes, "no such page");
  memset(nor->bytes + address, 0xff, (size_t)nor->page_bytes);
}

static void write(struct nor *nor, long address, long offset, long length)
{
  const uint8_t *from = bytes_at(offset, length);

  check(address >= 0 && address <= nor->size - length, "no such address");
  for (long i = 0; i < length; i++) {
    nor->bytes[address + i] &= from[i];
  }
}

/* A line of a dump: a page of a device, or that it is blank. */
static void set_page(struct device *device, const char *name, long page, long bits, long offset)
{
  struct store *store = &device->store;
  struct nor *nor = strcmp(name, "app") == 0 ? &device->app : &device->net;

  if (strcmp(name, "store") == 0) {
    check(page >= 0 && page < pages_of(store), "no such page");
    check(offset == -1 || bytes_at(offset, store->page_bytes) != NULL, "no bytes");
    store->offset[page] = offset;
    store->bits[page] = bits;
    return;
  }
  erase(nor, page * nor->page_bytes);
  if (offset != -1) {
    write(nor, page * nor->page_bytes, offset, nor->page_bytes);
  }
}

static void apply(struct device *device, const char *call)
{
  struct store *store = &device->store;
  char answer[16];
  long a, b, c;

  if (sscanf(call, "store-erase %ld", &a) == 1) {
    check(a >= 0 && a < store->blocks, "no such block");
    for (long page = 0; page < store->pages_per_block; page++) {
      store->offset[a * store->pages_per_block + page] = -1;
      store->bits[a * store->pages_per_block + page] = 0;
    }
  } else if (sscanf(call, "store-program %ld %ld", &a, &b) == 2) {
    set_page(device, "store", a, 0, b);
  } else if (sscanf(call, "app-erase %ld", &a) == 1) {
    erase(&device->app, a);
  } else if (sscanf(call, "app-write %ld %ld %ld", &a, &b, &c) == 3) {
    write(&device->app, a, b, c);
  } else if (sscanf(call, "net-copy %ld %ld %15s", &a, &b, answer) == 3) {
    if (strcmp(answer, "done") != 0) {
      return;
    }
    for (long at = 0; at < b; at += device->net.page_bytes) {
      erase(&device->net, net_slot + at);
    }
    write(&device->net, net_slot, a, b);
  }
  /* All other calls change no flash. */
}

static void compare(const struct device *is, const struct device *should)
{
  for (long page = 0; page < pages_of(&is->store); page++) {
    long a = is->store.offset[page], b = should->store.offset[page];
    size_t length = (size_t)is->store.page_bytes;

    check((a == -1) == (b == -1), "store: a page is left otherwise");
    check(a == -1 || memcmp(pool + a, pool + b, length) == 0, "store: other bytes are left");
    check(is->store.bits[page] == should->store.bits[page], "store: other bits are left");
  }
  check(memcmp(is->app.bytes, should->app.bytes, (size_t)is->app.size) == 0, "app: differs");
  check(memcmp(is->net.bytes, should->net.bytes, (size_t)is->net.size) == 0, "net: differs");
}

static void read_pool(const char *path)
{
  FILE *file = fopen(path, "rb");

  check(file != NULL && fseek(file, 0, SEEK_END) == 0, "cannot read pages.bin");
  pool_size = ftell(file);
  rewind(file);
  pool = allocate((size_t)pool_size + 1);
  check(fread(pool, 1, (size_t)pool_size, file) == (size_t)pool_size, "cannot read pages.bin");
  fclose(file);
}

static void read_header(const char *line, struct device *shape)
{
  struct store *store = &shape->store;
  long bits;

  sscanf(line, "store %ld %ld %ld %ld", &store->page_bytes, &store->pages_per_block,
         &store->blocks, &bits);
  sscanf(line, "app-flash %ld %ld %ld", &shape->app.page_bytes, &shape->app.word_bytes,
         &shape->app.size);
  sscanf(line, "net-flash %ld %ld %ld", &shape->net.page_bytes, &shape->net.word_bytes,
         &shape->net.size);
  sscanf(line, "net-slot %ld", &net_slot);
}

int main(int argc, char **argv)
{
  struct device shape = {0}, is = {0}, should = {0};
  char line[LINE_BYTES], name[8];
  long boots = -1, done = 0, page, bits, offset;
  FILE *file;

  check(argc == 3, "usage: boot-vector-reader boots.txt pages.bin");
  read_pool(argv[2]);
  file = fopen(argv[1], "r");
  check(file != NULL && fgets(line, sizeof(line), file) != NULL, "cannot read boots.txt");
  line_number = 1;
  check(strcmp(line, "tandem-boot-vectors 1\n") == 0, "another format");
  while (fgets(line, sizeof(line), file) != NULL) {
    line_number += 1;
    if (boots == -1) {
      read_header(line, &shape);
      if (sscanf(line, "boots %ld", &boots) == 1) {
        make(&is, &shape);
        make(&should, &shape);
      }
    } else if (strncmp(line, "boot ", 5) == 0) {
      if (done > 0) {
        compare(&is, &should);
      }
      done += 1;
      blank(&is);
      blank(&should);
    } else if (sscanf(line, "in %7s %ld %ld %ld", name, &page, &bits, &offset) == 4) {
      set_page(&is, name, page, bits, offset);
      set_page(&should, name, page, bits, offset);
    } else if (strncmp(line, "do ", 3) == 0) {
      apply(&is, line + 3);
    } else if (sscanf(line, "out %7s %ld %ld %ld", name, &page, &bits, &offset) == 4) {
      set_page(&should, name, page, bits, offset);
    }
  }
  check(done == boots && done > 0, "boots are missing");
  compare(&is, &should);
  fclose(file);
  printf("%ld boots\n", done);
  return 0;
}
