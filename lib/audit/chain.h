/*
 * chain.h - what makes a trail tamper-evident: each row's MAC covers the one before it, under a key that the database
 * doesn't have; and the last one is sealed in a file, so that cutting off the end shows too.
 *
 *	mac(n) = HMAC-SHA256(chain key, mac(n - 1) || row n), mac(0) = 32 zero bytes
 *
 * where the chain key is HMAC-SHA256([audit] key, "medicore audit chain " || domain), and a row is its seq, at (in
 * microseconds) and count as 8 bytes each, then each text as 4 bytes of length (ffffffff for null) and its bytes;
 * numbers are big-endian.
 */
#ifndef AUDIT_CHAIN_H
#define AUDIT_CHAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/audit/audit.h"

#define AUDIT_MAC_SIZE 32

/* HMACs that have taken in their key already: libcrypto's, which uses what the processor has for SHA-256 and makes one of a row
 * in a third of libsodium's time.  For one thread at a time. */
struct audit_keys {
	struct evp_mac_ctx_st *chain, *seal;
};

/* The end of a chain, or any place of it. */
struct audit_head {
	int64_t seq; /* 0: before the first row */
	unsigned char mac[AUDIT_MAC_SIZE];
};

/* The keys of one domain's trail, until they are freed; key is [audit] key. */
void audit_keys_make(const char *key, const char *domain, struct audit_keys *ret);
void audit_keys_free(struct audit_keys *keys);

/* The MAC of entry at entry->seq behind one whose MAC is before.  Texts count as they are: here NULL is not "". */
void audit_mac(const struct audit_keys *keys, const unsigned char before[AUDIT_MAC_SIZE],
    const struct audit_entry *entry, unsigned char ret_mac[AUDIT_MAC_SIZE]);

/* The MAC of a seal's text (seal.c). */
void audit_seal_mac(
    const struct audit_keys *keys, const char *text, size_t length, unsigned char ret_mac[AUDIT_MAC_SIZE]);

bool audit_mac_same(const unsigned char a[AUDIT_MAC_SIZE], const unsigned char b[AUDIT_MAC_SIZE]);

/* --- the seal (seal.c): [audit] seal/DOMAIN --- */

enum seal_state {
	SEAL_GOOD,
	SEAL_NONE,   /* there is no such file */
	SEAL_BROKEN, /* it is none of ours: another key's, or changed */
	SEAL_UNREAD, /* errno says why */
};

enum seal_state audit_seal_read(const char *domain, const struct audit_keys *keys, struct audit_head *ret);

/* Puts it in the old one's place, whole or not at all.  False: errno says why. */
bool audit_seal_write(const char *domain, const struct audit_keys *keys, const struct audit_head *head);

#endif
