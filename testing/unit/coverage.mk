# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright (C) 2026 The ppvpn authors
#
# make check-coverage: what decides (and does nothing) must be tested branch by
# branch. gcc's; nothing of it is installed or packed but the script.

coverage_sources = agent/belief.c agent/cause.c agent/desired.c \
	agent/failover.c agent/lifetime.c agent/locate.c agent/peer.c agent/plan.c agent/policy.c agent/trial.c \
	agent/tunnel.c agent/turn.c
EXTRA_DIST += testing/unit/coverage

if HAVE_CHECK
coverage_tests = \
	testing/unit/test_desired \
	testing/unit/test_failover \
	testing/unit/test_hold \
	testing/unit/test_lifetime \
	testing/unit/test_locate \
	testing/unit/test_peer \
	testing/unit/test_plan \
	testing/unit/test_provider \
	testing/unit/test_safe_change \
	testing/unit/test_tunnel

check-coverage: $(coverage_tests)
	$(AM_V_GEN)top_srcdir='$(abs_top_srcdir)' \
	COMPILE='$(COMPILE)' LINK='$(LINK)' \
	LIBS='libppvpn-agent.la $(CHECK_LIBS)' \
	$(top_srcdir)/testing/unit/coverage 95 $(coverage_sources) \
		-- $(testing_unit_test_desired_OBJECTS) \
		-- $(testing_unit_test_failover_OBJECTS) \
		-- $(testing_unit_test_hold_OBJECTS) \
		-- $(testing_unit_test_lifetime_OBJECTS) \
		-- $(testing_unit_test_locate_OBJECTS) \
		-- $(testing_unit_test_peer_OBJECTS) \
		-- $(testing_unit_test_plan_OBJECTS) \
		-- $(testing_unit_test_provider_OBJECTS) \
		-- $(testing_unit_test_safe_change_OBJECTS) \
		-- $(testing_unit_test_tunnel_OBJECTS)
else
check-coverage:
	@echo "make check-coverage: needs Check" >&2; exit 1
endif

.PHONY: check-coverage
clean-local:
	rm -rf coverage
