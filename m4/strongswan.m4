dnl SPDX-License-Identifier: GPL-2.0-or-later
dnl Copyright (C) 2026 The ppvpn authors
dnl
dnl PPVPN_STRONGSWAN: what the charon plugin is built against.
dnl
dnl Debian ships no strongSwan headers, so they come from a configured source
dnl tree.  Sets STRONGSWAN_CPPFLAGS, STRONGSWAN_CFLAGS, STRONGSWAN_VERSION,
dnl PLUGINDIR, STRONGSWAN_CONFDIR and, for tests, STRONGSWAN_LIBS, and the
dnl conditional HAVE_LIBCHARON.

dnl Is strongSwan itself installed?  A macro of its own: a conditional must be
dnl defined whether the plugin is built or not.
AC_DEFUN([PPVPN_LIBCHARON], [
	AC_ARG_WITH([strongswan-libdir],
		[AS_HELP_STRING([--with-strongswan-libdir=DIR],
			[where libcharon is, for tests only [/usr/lib/ipsec]])],
		[], [with_strongswan_libdir=/usr/lib/ipsec])
	AS_IF([test -e "$with_strongswan_libdir/libcharon.so"],
		[have_libcharon=yes], [have_libcharon=no])
	AM_CONDITIONAL([HAVE_LIBCHARON], [test "x$have_libcharon" = xyes])
])

AC_DEFUN([PPVPN_STRONGSWAN], [
	AC_REQUIRE([PPVPN_LIBCHARON])
	AC_ARG_WITH([strongswan-source],
		[AS_HELP_STRING([--with-strongswan-source=DIR],
			[configured source of the strongSwan to build the plugin for,
			 see plugin/get-strongswan-source])],
		[], [with_strongswan_source=])
	AC_ARG_WITH([strongswan-plugindir],
		[AS_HELP_STRING([--with-strongswan-plugindir=DIR],
			[where charon looks for plugins [PREFIX/lib/ipsec/plugins]])],
		[], [with_strongswan_plugindir='${prefix}/lib/ipsec/plugins'])
	AC_ARG_WITH([strongswan-piddir],
		[AS_HELP_STRING([--with-strongswan-piddir=DIR],
			[where charon has its sockets [/run]])],
		[], [with_strongswan_piddir=/run])
	ppvpn_source=$with_strongswan_source
	ppvpn_how="run 'plugin/get-strongswan-source DIR', then configure --with-strongswan-source=DIR (or --disable-plugin)"
	AC_MSG_CHECKING([for strongSwan's source])
	AS_IF([test -z "$ppvpn_source"],
		[AC_MSG_RESULT([not given])
		 AC_MSG_ERROR([the plugin needs strongSwan's source: $ppvpn_how])])
	AS_IF([test ! -f "$ppvpn_source/src/libcharon/daemon.h"],
		[AC_MSG_RESULT([no])
		 AC_MSG_ERROR([no strongSwan source in '$ppvpn_source': $ppvpn_how])])
	AS_IF([test ! -f "$ppvpn_source/config.h"],
		[AC_MSG_RESULT([not configured])
		 AC_MSG_ERROR(['$ppvpn_source' is not configured: $ppvpn_how])])
	ppvpn_source=`cd "$ppvpn_source" && pwd`
	AC_MSG_RESULT([$ppvpn_source])

	AC_MSG_CHECKING([for strongSwan's version])
	STRONGSWAN_VERSION=`$SED -n 's/^#define VERSION "\(.*\)"$/\1/p' \
		"$ppvpn_source/config.h"`
	ppvpn_number=`echo "$STRONGSWAN_VERSION" | $SED -n \
		's/^\(@<:@0-9@:>@@<:@0-9@:>@*\)\.\(@<:@0-9@:>@@<:@0-9@:>@*\)\.\(@<:@0-9@:>@@<:@0-9@:>@*\).*$/\1 \2 \3/p'`
	AS_IF([test -z "$ppvpn_number"],
		[AC_MSG_RESULT(['$STRONGSWAN_VERSION'])
		 AC_MSG_ERROR([cannot read VERSION from $ppvpn_source/config.h: $ppvpn_how])])
	ppvpn_number=`printf '%d%02d%02d' $ppvpn_number`
	AC_MSG_RESULT([$STRONGSWAN_VERSION])
	AS_IF([test "$ppvpn_number" -lt 50908],
		[AC_MSG_ERROR([strongSwan $STRONGSWAN_VERSION is too old, 5.9.8 is needed])])
	AS_IF([$SED -n '/^#define ME\b/p' "$ppvpn_source/config.h" | grep . >/dev/null],
		[], [AC_MSG_ERROR([$ppvpn_source is configured without --enable-mediation, unlike Debian's charon: $ppvpn_how])])

	STRONGSWAN_CPPFLAGS="-include $ppvpn_source/config.h"
	STRONGSWAN_CPPFLAGS="$STRONGSWAN_CPPFLAGS -isystem $ppvpn_source/src/libstrongswan"
	STRONGSWAN_CPPFLAGS="$STRONGSWAN_CPPFLAGS -isystem $ppvpn_source/src/libcharon"
	STRONGSWAN_CPPFLAGS="$STRONGSWAN_CPPFLAGS -DPPVPN_STRONGSWAN_VERSION=$ppvpn_number"
	STRONGSWAN_CPPFLAGS="$STRONGSWAN_CPPFLAGS -DPPVPN_VERSION='\"$PACKAGE_VERSION\"'"
	STRONGSWAN_CPPFLAGS="$STRONGSWAN_CPPFLAGS -DPPVPN_SOCKET='\"$with_strongswan_piddir/charon.ppvpn\"'"
	dnl strongSwan's style shadows its own methods, and has its own printf hooks
	STRONGSWAN_CFLAGS="-Wno-format -Wno-shadow -Wno-sign-compare"
	STRONGSWAN_CFLAGS="$STRONGSWAN_CFLAGS -Wno-missing-field-initializers -Wno-write-strings"

	STRONGSWAN_LIBS="-L$with_strongswan_libdir -lcharon -lstrongswan"
	STRONGSWAN_LIBS="$STRONGSWAN_LIBS -Wl,-rpath,$with_strongswan_libdir"
	AS_IF([test "x$have_libcharon" = xno],
		[AC_MSG_WARN([no libcharon in $with_strongswan_libdir: make check cannot test the plugin (apt install charon-systemd)])])

	PLUGINDIR=$with_strongswan_plugindir
	STRONGSWAN_CONFDIR='${sysconfdir}/strongswan.d'
	STRONGSWAN_LIBDIR=$with_strongswan_libdir
	AC_SUBST([STRONGSWAN_CPPFLAGS])
	AC_SUBST([STRONGSWAN_CFLAGS])
	AC_SUBST([STRONGSWAN_VERSION])
	AC_SUBST([STRONGSWAN_LIBS])
	AC_SUBST([STRONGSWAN_LIBDIR])
	AC_SUBST([STRONGSWAN_CONFDIR])
	AC_SUBST([PLUGINDIR])
])
