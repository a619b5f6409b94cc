# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright (C) The ppvpn authors
#
# pytest in the lab: results to the shared directory as they come, logs of a failed scenario's lab printed,
# and nothing skipped silently (a skip is a failure).
import pytest

from kit.lab import SHARE, Lab

LABS = []       # labs now open
TABLES = []     # what is printed at the end, whatever became of the tests
TOLD = []       # tests whose lab's logs were printed


def tell(text):
    """A text for the end of the run."""
    TABLES.append(text)


def pytest_addoption(parser):
    parser.addoption("--full", action="store_true", help="faults at their full length and number")


def pytest_terminal_summary(terminalreporter):
    for text in TABLES:
        terminalreporter.write_line("\n" + text)


@pytest.fixture(scope="module")
def lab(request):
    """A lab with nothing but the server and the PE; closed after the file."""
    one = Lab(request.module.__name__.rpartition(".")[2])
    LABS.append(one)
    yield one
    LABS.remove(one)
    try:
        for ce in one.ces.values():     # whatever the scenario did: where all daemons run, nothing is left to do
            if ce.is_up():
                ce.wait_plan_empty(60)
    finally:
        one.close()


@pytest.fixture(scope="module")
def three(lab):
    """Three sites of acme/corp in service."""
    lab.provision(["paris", "lyon", "nice"])
    lab.wait_in_service()
    return lab


INTERESTING = ("ppvpn-agent.log", "ppvpn-server.log", "charon.log", "charon-systemd.log", "ospfd.log")


def logs(one):
    text = [one.state()]
    for node in one.nodes.values():
        for name, content in node.log_text().items():
            if name in INTERESTING and content.strip():
                text.append(f"--- log {node.name}/{name} (its end)\n{content[-5000:]}")
    return "\n".join(text)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    report = outcome.get_result()
    # A failed fixture fails every test of its file: the logs are told with the first.
    if report.failed and LABS and not (call.when == "setup" and TOLD):
        TOLD.append(item.nodeid)
        report.sections.append(("what the lab says", "\n".join(logs(one) for one in LABS)))


def record(verdict, nodeid, seconds):
    name = nodeid.rpartition("/")[2]
    with open(SHARE / "results.tsv", "a", encoding="utf-8") as results:
        results.write(f"{verdict}\tlab\t{name}\t{seconds:.1f}\n")


def pytest_runtest_logreport(report):
    if report.skipped:
        record("FAIL", report.nodeid, report.duration)      # skipped is not shown
    elif report.when == "call":
        record("PASS" if report.passed else "FAIL", report.nodeid, report.duration)
    elif report.failed and report.when == "setup":
        record("FAIL", report.nodeid, report.duration)
    elif report.failed:
        record("FAIL", report.nodeid + " (closing)", report.duration)


def pytest_collectreport(report):
    if report.failed:
        record("FAIL", f"{report.nodeid} (does not load)", 0)
