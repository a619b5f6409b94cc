dnl SPDX-License-Identifier: GPL-2.0-or-later
dnl Copyright (C) 2026 The ppvpn authors
dnl
dnl Compiler and linker flags: warnings, hardening, sanitizers.  Sets
dnl PPVPN_CFLAGS and PPVPN_LDFLAGS; CFLAGS stays the user's.

dnl PPVPN_CFLAG(FLAG): take it if the compiler does
AC_DEFUN([PPVPN_CFLAG], [
	AS_VAR_PUSHDEF([cache], [ppvpn_cv_cflag_$1])
	AC_CACHE_CHECK([whether $CC takes $1], [cache], [
		ppvpn_saved=$CFLAGS
		CFLAGS="$CFLAGS -Werror $1"
		AC_LINK_IFELSE([AC_LANG_PROGRAM([], [])],
			[AS_VAR_SET([cache], [yes])], [AS_VAR_SET([cache], [no])])
		CFLAGS=$ppvpn_saved
	])
	AS_VAR_IF([cache], [yes], [PPVPN_CFLAGS="$PPVPN_CFLAGS $1"])
	AS_VAR_POPDEF([cache])
])

dnl PPVPN_LDFLAG(FLAG): take it if the linker does
AC_DEFUN([PPVPN_LDFLAG], [
	AS_VAR_PUSHDEF([cache], [ppvpn_cv_ldflag_$1])
	AC_CACHE_CHECK([whether the linker takes $1], [cache], [
		ppvpn_saved=$LDFLAGS
		LDFLAGS="$LDFLAGS $1"
		AC_LINK_IFELSE([AC_LANG_PROGRAM([], [])],
			[AS_VAR_SET([cache], [yes])], [AS_VAR_SET([cache], [no])])
		LDFLAGS=$ppvpn_saved
	])
	AS_VAR_IF([cache], [yes], [PPVPN_LDFLAGS="$PPVPN_LDFLAGS $1"])
	AS_VAR_POPDEF([cache])
])

AC_DEFUN([PPVPN_COMPILER], [
	AC_ARG_ENABLE([werror], [AS_HELP_STRING([--enable-werror],
		[warnings are errors (for the project's own CI)])],
		[], [enable_werror=no])
	AC_ARG_ENABLE([sanitizers], [AS_HELP_STRING([--enable-sanitizers],
		[build with AddressSanitizer and UndefinedBehaviorSanitizer])],
		[], [enable_sanitizers=no])
	AC_ARG_ENABLE([fuzzer], [AS_HELP_STRING([--enable-fuzzer],
		[build the fuzz targets with libFuzzer (needs CC=clang)])],
		[], [enable_fuzzer=no])
	AC_ARG_ENABLE([hardening], [AS_HELP_STRING([--disable-hardening],
		[leave hardening flags to CFLAGS and LDFLAGS])],
		[], [enable_hardening=yes])

	PPVPN_CFLAGS=
	PPVPN_LDFLAGS=
	m4_foreach_w([flag], [-std=gnu11 -Wall -Wextra -Wshadow
		-Wstrict-prototypes -Wmissing-prototypes -Wvla
		-Wwrite-strings -Wpointer-arith -Wformat=2 -Wundef
		-Wno-unused-parameter -fno-common],
		[PPVPN_CFLAG(flag)])
	PPVPN_LDFLAG([-Wl,--as-needed])

	AS_IF([test "x$enable_sanitizers" = xyes], [
		AC_LINK_IFELSE([AC_LANG_PROGRAM([], [])], [],
			[AC_MSG_ERROR([$CC cannot link a program])])
		PPVPN_CFLAGS="$PPVPN_CFLAGS -fsanitize=address,undefined"
		PPVPN_CFLAGS="$PPVPN_CFLAGS -fno-sanitize-recover=undefined"
		PPVPN_CFLAGS="$PPVPN_CFLAGS -fno-omit-frame-pointer"
		PPVPN_LDFLAGS="$PPVPN_LDFLAGS -fsanitize=address,undefined"
	], [test "x$enable_hardening" = xyes], [
		PPVPN_CFLAG([-fstack-protector-strong])
		PPVPN_CFLAG([-fstack-clash-protection])
		PPVPN_LDFLAG([-Wl,-z,relro])
		PPVPN_LDFLAG([-Wl,-z,now])
		dnl fortification wants an optimising compiler, and not twice
		AS_CASE([" $CPPFLAGS $CFLAGS "], [*_FORTIFY_SOURCE*], [],
			[*" -O0 "*], [],
			[*" -O"*], [PPVPN_CFLAG([-D_FORTIFY_SOURCE=2])])
	])
	AS_IF([test "x$enable_fuzzer" = xyes],
		[PPVPN_CFLAGS="$PPVPN_CFLAGS -fsanitize=fuzzer-no-link"])
	AM_CONDITIONAL([FUZZER], [test "x$enable_fuzzer" = xyes])
	AM_CONDITIONAL([SANITIZERS], [test "x$enable_sanitizers" = xyes])
	dnl last, so that no check above fails by it
	AS_IF([test "x$enable_werror" = xyes],
		[PPVPN_CFLAGS="$PPVPN_CFLAGS -Werror"])
	AC_SUBST([PPVPN_CFLAGS])
	AC_SUBST([PPVPN_LDFLAGS])
])
