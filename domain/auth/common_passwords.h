/* common_passwords.h - the 10,000 commonest, which common_passwords.txt has (its licence beside it). */
#ifndef AUTH_COMMON_PASSWORDS_H
#define AUTH_COMMON_PASSWORDS_H

/* A line each, in lower case, with a newline before the first: made from the file at build time. */
extern const char common_passwords[];

#endif
