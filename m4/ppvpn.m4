dnl SPDX-License-Identifier: GPL-2.0-or-later
dnl Copyright (C) 2026 The ppvpn authors
dnl
dnl Components, directories, libraries and the summary of this configure.

dnl PPVPN_COMPONENT(NAME, WHAT): --enable-NAME.  Naming any component builds
dnl only those named; naming none builds all.
AC_DEFUN([PPVPN_COMPONENT], [
	AC_ARG_ENABLE([$1], [AS_HELP_STRING([--enable-$1],
		[build $2 (default: all parts, unless some are named)])],
		[], [enable_$1=unset])
	m4_append([PPVPN_COMPONENT_LIST], [$1], [ ])
])

AC_DEFUN([PPVPN_COMPONENTS_DONE], [
	ppvpn_default=yes
	m4_foreach_w([part], m4_defn([PPVPN_COMPONENT_LIST]), [
		AS_IF([test "x$enable_[]part" = xyes], [ppvpn_default=no])
	])
	m4_foreach_w([part], m4_defn([PPVPN_COMPONENT_LIST]), [
		AS_IF([test "x$enable_[]part" = xunset],
			[enable_[]part=$ppvpn_default])
		AM_CONDITIONAL([ENABLE_]m4_toupper(part),
			[test "x$enable_[]part" = xyes])
	])
])

dnl PPVPN_WITH_DIR(NAME, WHAT, PACKAGE, VARIABLE, DEFAULT): --with-NAME=DIR,
dnl else what pkg-config says, else DEFAULT
AC_DEFUN([PPVPN_WITH_DIR], [
	AC_ARG_WITH([$1], [AS_HELP_STRING([--with-$1=DIR],
		[directory of $2])], [], [with_$1=yes])
	AS_IF([test "x$with_$1" = xyes], [
		m4_ifnblank([$3], [with_$1=`$PKG_CONFIG --variable=$4 $3 2>/dev/null`],
			[with_$1=])
		AS_IF([test -z "$with_$1"], [with_$1=$5])
	])
	AS_IF([test "x$with_$1" = xno], [$1=], [$1=$with_$1])
	AC_SUBST([$1])
	AM_CONDITIONAL([HAVE_]m4_toupper([$1]), [test -n "$[]$1"])
])

dnl PPVPN_PKG(PREFIX, MODULES, NAME, DEBIAN-PACKAGE)
AC_DEFUN([PPVPN_PKG], [
	PKG_CHECK_MODULES([$1], [$2], [],
		[AC_MSG_ERROR([$3 not found ($2): apt install $4])])
])

dnl OpenSSL's licence does not go with ours: libcurl must be the GnuTLS one
AC_DEFUN([PPVPN_CURL_FLAVOUR], [
	AC_PATH_TOOL([CURL_CONFIG], [curl-config])
	AS_IF([test -n "$CURL_CONFIG"], [
		AC_MSG_CHECKING([whether libcurl uses GnuTLS])
		AS_CASE([`$CURL_CONFIG --ssl-backends 2>/dev/null`],
			[*GnuTLS*], [AC_MSG_RESULT([yes])],
			[AC_MSG_RESULT([no])
			 AC_MSG_ERROR([libcurl is not the GnuTLS flavour: apt install libcurl4-gnutls-dev])])
	])
])

AC_DEFUN([PPVPN_SUMMARY], [
	AS_ECHO(["
$PACKAGE_NAME $PACKAGE_VERSION

  prefix                $prefix
  compiler              $CC $CFLAGS
  sanitizers            $enable_sanitizers
  warnings are errors   $enable_werror

  charon plugin         $enable_plugin
  agent                 $enable_agent
  server                $enable_server
  unit tests            $have_check

  systemd units         ${systemdsystemunitdir:-not installed}
  sysusers.d            ${sysusersdir:-not installed}
  tmpfiles.d            ${tmpfilesdir:-not installed}
"])
])
