# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright (C) 2026 The ppvpn authors

# The database: questions of the domain, over SQL (store.h, db.h, render.h).
server_sql = server/sql/0001-init.sql server/sql/0002-topologies.sql \
	server/sql/0003-alarms.sql server/sql/0004-operators.sql \
	server/sql/0005-prefixes.sql server/sql/0006-bulk-removal.sql \
	server/sql/0007-addresses.sql server/sql/0008-rotation.sql \
	server/sql/0009-renewal.sql server/sql/0010-authorities.sql \
	server/sql/0011-authentication.sql \
	server/sql/0012-on-trial.sql
noinst_LTLIBRARIES += libppvpn-store.la
libppvpn_store_la_SOURCES = \
	server/authority.c server/authority.h \
	server/counters.c server/counters.h \
	server/db.h server/db_sqlite.c \
	server/conf_json.c server/conf_json.h server/conf_json_write.c \
	server/follow.c server/follow.h \
	server/grade.c server/grade.h \
	server/render.c server/render.h \
	server/rotation.c server/rotation.h \
	server/store.c server/store.h server/store_impl.h server/store_work.h \
	server/store_alarm.c server/store_alarm.h \
	server/store_alarm_read.c \
	server/store_alarm_report.c \
	server/store_alarm_rules.c \
	server/store_apply.c server/store_apply.h \
	server/store_authority.c \
	server/store_authority_read.c \
	server/store_authority_round.c \
	server/store_ce.c \
	server/store_copy.c \
	server/store_customer.c \
	server/store_diag.c \
	server/store_document.c \
	server/store_event.c \
	server/store_enroll.c \
	server/store_follow.c \
	server/store_free.c \
	server/store_history.c \
	server/store_ike.c \
	server/store_key.c \
	server/store_link.c \
	server/store_mesh.c server/store_mesh.h \
	server/store_migrate.c \
	server/store_move.c \
	server/store_operator.c \
	server/store_prefix.c \
	server/store_profile.c \
	server/store_metrics.c \
	server/store_removal.c \
	server/store_renew.c \
	server/store_report.c \
	server/store_rotation.c server/store_rotation.h \
	server/store_rotation_begin.c \
	server/store_rotation_read.c \
	server/store_seal.c \
	server/store_setting.c \
	server/store_settle.c \
	server/store_site.c \
	server/store_tunnel.c \
	server/store_verify.c \
	server/store_vpn.c \
	server/store_weight.c server/store_weight.h \
	server/topology.c server/topology.h
nodist_libppvpn_store_la_SOURCES = server/sql_files.c
libppvpn_store_la_LIBADD = libppvpn-ca.la libppvpn-service.la libppvpn.la libppvpn-seal.la $(SQLITE_LIBS)

EXTRA_DIST += $(server_sql) server/sql/embed
CLEANFILES += server/sql_files.c
server/sql_files.c: $(server_sql) server/sql/embed
	$(AM_V_GEN)$(MKDIR_P) $(@D) && cd $(srcdir) && \
	sh server/sql/embed $(server_sql) >$(abs_builddir)/$@.tmp && \
	mv $(abs_builddir)/$@.tmp $(abs_builddir)/$@

# What operators ask, for ppvpn-server (daemon.mk).
ppvpn_server_api_admin = libppvpn-api-admin.la
noinst_LTLIBRARIES += libppvpn-api-admin.la
libppvpn_api_admin_la_SOURCES = \
	server/api_admin.c server/api_admin.h server/api_admin_impl.h \
	server/api_admin_access.c \
	server/api_admin_alarm.c \
	server/api_admin_authority.c \
	server/api_admin_ask.c server/api_admin_ask.h \
	server/api_admin_bundle.c \
	server/api_admin_change.c server/api_admin_change.h \
	server/api_admin_conf.c \
	server/api_admin_config.c \
	server/api_admin_operator.c \
	server/api_admin_rotation.c \
	server/api_admin_service.c \
	server/api_admin_write.c server/api_admin_write.h
libppvpn_api_admin_la_LIBADD = libppvpn-service.la libppvpn-store.la \
	libppvpn-ca.la

# What both sides of the admin API know: words, time to service.
noinst_LTLIBRARIES += libppvpn-service.la
libppvpn_service_la_SOURCES = server/service.c server/service.h \
	server/access.c server/access.h \
	server/conf_words.c server/conf_words.h

# YAML and JSON; the only user of libyaml.
noinst_LTLIBRARIES += libppvpn-yaml.la
libppvpn_yaml_la_SOURCES = \
	server/admin_yaml.c server/admin_yaml.h \
	server/admin_yaml_write.c
libppvpn_yaml_la_LIBADD = libppvpn.la $(YAML_LIBS)

bin_PROGRAMS += ppvpn-admin
ppvpn_admin_SOURCES = \
	server/admin.c server/admin.h \
	server/admin_alarm.c \
	server/admin_apply.c \
	server/admin_authority.c \
	server/admin_client.c \
	server/admin_config.c \
	server/admin_operator.c \
	server/admin_psk.c \
	server/admin_read.c server/admin_read.h \
	server/admin_set.c \
	server/admin_status.c \
	server/admin_table.c
ppvpn_admin_LDADD = libppvpn-yaml.la libppvpn-service.la libppvpn.la $(CURL_LIBS)

dist_man_MANS += server/ppvpn-admin.8
EXTRA_DIST += doc/admin-api.md doc/alarm-webhook.md doc/customer-example.yaml doc/customer-file.md \
	doc/metrics.md
# for programs that generate clients
dist_pkgdata_DATA += doc/admin-api.openapi.yaml

include server/daemon.mk
include testing/unit/server.mk
include testing/bench-server.mk
include testing/unit/admin.mk
