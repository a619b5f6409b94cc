# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright (C) 2026 The ppvpn authors
#
# ppvpn-server: listeners, CA, notification, and its tests. Included by local.mk.

# The listener: knows nothing of the domain; the only user of libmicrohttpd.
noinst_LTLIBRARIES += libppvpn-http.la
libppvpn_http_la_SOURCES = \
	server/http.c server/http.h server/http_internal.h \
	server/http_check.c \
	server/http_listen.c \
	server/http_request.c \
	server/http_tls.c \
	server/http_work.c \
	server/pace.c server/pace.h \
	server/route.c server/route.h \
	server/wheel.c server/wheel.h
libppvpn_http_la_LIBADD = libppvpn.la $(MICROHTTPD_LIBS) $(GNUTLS_LIBS) \
	-lpthread

noinst_LTLIBRARIES += libppvpn-ca.la
libppvpn_ca_la_SOURCES = \
	server/base64.c server/base64.h \
	server/ca.c server/ca.h \
	server/ca_ike.c server/ca_ike.h server/ca_impl.h \
	server/cms.c server/cms.h \
	server/crl.c server/crl.h \
	server/der.c server/der.h
libppvpn_ca_la_LIBADD = libppvpn.la $(GNUTLS_LIBS) -lpthread

# Alarms by webhook and syslog.
noinst_LTLIBRARIES += libppvpn-outlet.la
libppvpn_outlet_la_SOURCES = \
	server/outlet.c server/outlet.h \
	server/outlet_text.c server/outlet_text.h
libppvpn_outlet_la_LIBADD = libppvpn-seal.la libppvpn.la $(CURL_LIBS) \
	-lpthread

sbin_PROGRAMS += ppvpn-server
ppvpn_server_SOURCES = \
	server/alarms.c server/alarms.h server/alarms_source.c \
	server/api_admin.h \
	server/api_ce.c server/api_ce.h \
	server/api_enroll.c server/api_enroll.h \
	server/bundle.c server/bundle.h \
	server/archive.c server/archive.h \
	server/backup.c server/backup.h \
	server/check.c server/check.h \
	server/api_metrics.c server/api_metrics.h \
	server/conf.c server/conf.h \
	server/delivery.c server/delivery.h \
	server/est.c server/est.h \
	server/etag.c server/etag.h \
	server/init.c server/init.h \
	server/limiter.c server/limiter.h \
	server/main.c \
	server/metrics_text.c server/metrics_text.h \
	server/notify.c server/notify.h \
	server/operate.c server/operate.h \
	server/rekey.c server/rekey.h \
	server/restore.c server/restore.h \
	server/sd_notify.c server/sd_notify.h \
	server/server.c server/server.h \
	server/state.c server/state.h
ppvpn_server_LDADD = $(ppvpn_server_api_admin) libppvpn-http.la \
	libppvpn-outlet.la libppvpn-ca.la libppvpn-store.la libppvpn-seal.la \
	libppvpn.la -lpthread

dist_man_MANS += server/ppvpn-server.8 server/server.conf.5

# for a Prometheus and a Grafana to read
prometheusdir = $(pkgdatadir)/prometheus
dist_prometheus_DATA = conf/prometheus/ppvpn-alerts.yml \
	conf/prometheus/ppvpn-alerts-test.yml
grafanadir = $(pkgdatadir)/grafana
dist_grafana_DATA = conf/grafana/ppvpn.json

pkgsysconf_DATA += conf/server.conf
apparmor_DATA += conf/apparmor/ppvpn-server
EXTRA_DIST += conf/server.conf

EXTRA_DIST += server/ppvpn-server.service.in server/ppvpn-server.sysusers
CLEANFILES += server/ppvpn-server.service server/ppvpn-server.conf
if HAVE_SYSTEMDSYSTEMUNITDIR
serverunitdir = $(systemdsystemunitdir)
serverunit_DATA = server/ppvpn-server.service
endif
if HAVE_SYSUSERSDIR
serversysusersdir = $(sysusersdir)
serversysusers_DATA = server/ppvpn-server.conf
endif
server/ppvpn-server.conf: server/ppvpn-server.sysusers
	$(AM_V_GEN)$(MKDIR_P) $(@D) && cp $< $@

include testing/unit/daemon.mk
