/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * seal.c - secrets at rest, by libsodium
 *
 * Owns the form of a sealed piece: version (1), key id (4, big-endian), nonce
 * (24), ciphertext, tag (16). Never logs, never keeps a key.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "seal.h"
#include "secret.h"
#include "text.h"

#define VERSION_1 1
#define NONCE_AT 5
#define CIPHER_AT (NONCE_AT + crypto_aead_xchacha20poly1305_ietf_NPUBBYTES)
/* 64 digits and the newline */
#define KEY_FILE_SIZE (2 * SEAL_KEY_SIZE + 1)

_Static_assert(CIPHER_AT + crypto_aead_xchacha20poly1305_ietf_ABYTES ==
			   SEAL_OVERHEAD, "overhead as the header says");
_Static_assert(crypto_aead_xchacha20poly1305_ietf_KEYBYTES == SEAL_KEY_SIZE,
			   "key size as the header says");

int seal_init(struct err *e)
{
	if (sodium_init() < 0)
	{
		return err_set(e, -EIO, ERR_INTERNAL, "libsodium",
					   "libsodium could not be initialised");
	}
	return 0;
}

static uint32_t read_be32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 |
		   (uint32_t)p[2] << 8 | p[3];
}

/* The id tells keys apart without telling anything about them. */
static void set_id(struct seal_key *key)
{
	uint8_t hash[32];

	seal_sha256(key->bytes, sizeof(key->bytes), hash);
	key->id = read_be32(hash);
	if (key->id == 0)
	{
		key->id = 1;
	}
	wipe(hash, sizeof(hash));
}

static int read_all(int fd, char *buf, size_t size, size_t *len)
{
	ssize_t n;

	*len = 0;
	while (*len < size)
	{
		n = read(fd, buf + *len, size - *len);
		if (n < 0 && errno == EINTR)
		{
			continue;
		}
		if (n < 0)
		{
			return -errno;
		}
		if (n == 0)
		{
			break;
		}
		*len += (size_t)n;
	}
	return 0;
}

static int parse_key(const char *path, char *buf, size_t len,
					 struct seal_key *key, struct err *e)
{
	if (len != KEY_FILE_SIZE || buf[KEY_FILE_SIZE - 1] != '\n')
	{
		return err_set(e, -EINVAL, ERR_SEALED, path,
					   "not a key file: 64 hex digits and a newline expected");
	}
	buf[KEY_FILE_SIZE - 1] = '\0';
	if (strlen(buf) != KEY_FILE_SIZE - 1 ||
		hex_decode(buf, key->bytes, sizeof(key->bytes)) < 0)
	{
		seal_key_wipe(key);
		return err_set(e, -EINVAL, ERR_SEALED, path,
					   "not a key file: 64 hex digits and a newline expected");
	}
	set_id(key);
	return 0;
}

int seal_key_load(const char *path, struct seal_key *key, struct err *e)
{
	char buf[KEY_FILE_SIZE + 1];
	struct stat st;
	size_t len = 0;
	int fd, rc;

	memset(key, 0, sizeof(*key));
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0)
	{
		rc = -errno;
		return err_set(e, rc, ERR_IO, path, "cannot open: %s", strerror(-rc));
	}
	if (fstat(fd, &st) < 0)
	{
		rc = -errno;
		err_set(e, rc, ERR_IO, path, "cannot stat: %s", strerror(-rc));
	}
	else if (!S_ISREG(st.st_mode) || (st.st_mode & 077) != 0)
	{
		rc = err_set(e, -EACCES, ERR_IO, path,
					 "a key file must be a regular file that only its owner can "
					 "read (mode 0600)");
	}
	else if ((rc = read_all(fd, buf, sizeof(buf), &len)) < 0)
	{
		err_set(e, rc, ERR_IO, path, "cannot read: %s", strerror(-rc));
	}
	else
	{
		rc = parse_key(path, buf, len, key, e);
	}
	close(fd);
	wipe(buf, sizeof(buf));
	return rc;
}

static int write_key(int fd, const struct seal_key *key)
{
	char buf[KEY_FILE_SIZE + 1];
	size_t done = 0;
	ssize_t n;
	int rc = 0;

	hex_encode(key->bytes, sizeof(key->bytes), buf);
	buf[KEY_FILE_SIZE - 1] = '\n';
	while (done < KEY_FILE_SIZE)
	{
		n = write(fd, buf + done, KEY_FILE_SIZE - done);
		if (n < 0 && errno != EINTR)
		{
			rc = -errno;
			break;
		}
		done += n > 0 ? (size_t)n : 0;
	}
	wipe(buf, sizeof(buf));
	return rc < 0 ? rc : fsync(fd) < 0 ? -errno : 0;
}

/* So that the new name itself survives a crash. */
static int sync_directory_of(const char *path)
{
	const char *slash = strrchr(path, '/');
	char dir[4096] = ".";
	int fd, rc;

	if (slash)
	{
		size_t len = slash == path ? 1 : (size_t)(slash - path);

		if (len >= sizeof(dir))
		{
			return -ENAMETOOLONG;
		}
		memcpy(dir, path, len);
		dir[len] = '\0';
	}
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
	{
		return -errno;
	}
	rc = fsync(fd) < 0 ? -errno : 0;
	close(fd);
	return rc;
}

/* A complete, synced file beside path. */
static int make_key(const char *made, const struct seal_key *key)
{
	int fd, rc;

	(void)unlink(made);		/* of one that was killed */
	fd = open(made, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
	{
		return -errno;
	}
	rc = fchmod(fd, 0600) < 0 ? -errno : write_key(fd, key);
	if (close(fd) < 0 && rc == 0)
	{
		rc = -errno;
	}
	return rc;
}

/* Never in place of another. Not every file system can do it in one step. */
static int put_in_place(const char *made, const char *path)
{
	if (renameat2(AT_FDCWD, made, AT_FDCWD, path, RENAME_NOREPLACE) == 0)
	{
		return 0;
	}
	if (errno != EINVAL && errno != ENOSYS)
	{
		return -errno;
	}
	return link(made, path) < 0 ? -errno : 0;
}

/* Whole under its name or not at all. */
int seal_key_create(const char *path, struct seal_key *key, struct err *e)
{
	char made[PATH_MAX];
	int rc;

	memset(key, 0, sizeof(*key));
	if (snprintf(made, sizeof(made), "%s.new", path) >= (int)sizeof(made))
	{
		return err_set(e, -ENAMETOOLONG, ERR_IO, path, "cannot create the key "
					   "file: %s", strerror(ENAMETOOLONG));
	}
	seal_random(key->bytes, sizeof(key->bytes));
	set_id(key);
	rc = make_key(made, key);
	if (rc == 0)
	{
		rc = put_in_place(made, path);
	}
	(void)unlink(made);
	if (rc == 0)
	{
		rc = sync_directory_of(path);
		if (rc < 0)
		{
			(void)unlink(path);
		}
	}
	if (rc < 0)
	{
		seal_key_wipe(key);
		return err_set(e, rc, rc == -EEXIST ? ERR_EXISTS : ERR_IO, path,
					   "cannot create the key file: %s", strerror(-rc));
	}
	return 0;
}

void seal_key_wipe(struct seal_key *key)
{
	if (key)
	{
		wipe(key, sizeof(*key));
	}
}

void seal_encrypt(const struct seal_key *key, const char *place,
				  const void *plain, size_t len, uint8_t *out)
{
	out[0] = VERSION_1;
	out[1] = (uint8_t)(key->id >> 24);
	out[2] = (uint8_t)(key->id >> 16);
	out[3] = (uint8_t)(key->id >> 8);
	out[4] = (uint8_t)key->id;
	randombytes_buf(out + NONCE_AT, CIPHER_AT - NONCE_AT);
	/* cannot fail: lengths are far from the cipher's limits */
	crypto_aead_xchacha20poly1305_ietf_encrypt(
		out + CIPHER_AT, NULL, plain, len, (const uint8_t *)place,
		strlen(place), NULL, out + NONCE_AT, key->bytes);
}

int seal_decrypt(const struct seal_key *key, const char *place,
				 const uint8_t *sealed, size_t len, void *out, struct err *e)
{
	if (len < SEAL_OVERHEAD || sealed[0] != VERSION_1)
	{
		return err_set(e, -EBADMSG, ERR_SEALED, place,
					   "not a sealed piece of a version that is known");
	}
	if (read_be32(sealed + 1) != key->id)
	{
		return err_set(e, -EBADMSG, ERR_SEALED, place,
					   "sealed with key %08x, the key at hand is %08x",
					   read_be32(sealed + 1), key->id);
	}
	if (crypto_aead_xchacha20poly1305_ietf_decrypt(
			out, NULL, NULL, sealed + CIPHER_AT, len - CIPHER_AT,
			(const uint8_t *)place, strlen(place), sealed + NONCE_AT,
			key->bytes) != 0)
	{
		wipe(out, len - SEAL_OVERHEAD);
		return err_set(e, -EBADMSG, ERR_SEALED, place,
					   "the sealed piece was changed or belongs elsewhere");
	}
	return 0;
}

void seal_random(void *out, size_t len)
{
	randombytes_buf(out, len);
}

void seal_sha256(const void *in, size_t len, uint8_t out[32])
{
	crypto_hash_sha256(out, in, len);
}

void seal_hmac_sha256(const void *key, size_t key_len, const void *in,
					  size_t len, uint8_t out[32])
{
	crypto_auth_hmacsha256_state state;

	crypto_auth_hmacsha256_init(&state, key, key_len);
	crypto_auth_hmacsha256_update(&state, in, len);
	crypto_auth_hmacsha256_final(&state, out);
	wipe(&state, sizeof(state));
}
