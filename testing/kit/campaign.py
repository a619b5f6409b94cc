# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright (C) The ppvpn authors
#
# A fault campaign: faults as values, and the engine that does one after the other to a mesh whose hosts ping each other
# all the time. For each: which pings were lost, how long until all is well again, what was said in the journal.
#
# All is well: every router reaches the server, has charon and FRR, differs in nothing from what is wanted, says of no
# error and no alarm; every tunnel is up with its adjacency and its route; every ping of the last second was answered.
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from kit.lab import SHARE
from kit.meshpings import LATE, MeshPings
from kit.plugin import tell
from kit.waiting import wait_until

EVENT = re.compile(r" code=(\S+)(?: where=(\S+))? cause=(\S+)")
NOBODY, EVERYBODY = (), None


@dataclass(frozen=True)
class Fault:
    name: str
    inject: Callable = None         # of the campaign; what it returns is handed to mend
    mend: Callable = None           # what a person does; None: it heals by itself
    at: str = "paris"               # the router that is looked at
    hit: tuple = NOBODY             # whose data plane it is: pings that begin or end there, all of two names' pair,
    #                                 may be lost, and no others; EVERYBODY: all
    events: tuple = ()              # (code at the fault, code when it is over) of the router's journal
    alarm: str = ""                 # raised by the router while it lasts, cleared afterwards; any other fails the row. Or
    #                                 a function of the campaign
    seen: Callable = None           # more that must be true before it is mended
    healed: Callable = None         # more that must be true afterwards
    lasts: float = 0                # seconds until it is mended, at least; or a function of the campaign
    within: float = 30              # seconds to heal
    note: str = ""                  # for the table
    left_out: str = ""              # why it is not run: a row of the table only


def may_lose(fault, pair):
    """Is the pair's data plane hit by it?"""
    if fault.hit is EVERYBODY:
        return True
    if len(fault.hit) == 2:
        return set(pair) == set(fault.hit)
    return bool(set(pair) & set(fault.hit))


class Campaign:
    def __init__(self, lab, names, full):
        self.lab, self.names, self.full = lab, names, full
        self.server = lab.server
        self.rows, self.failed = [], 0      # failed: rows one after the other
        self.pings = MeshPings(lab, names)
        self.begin = time.monotonic()

    def ce(self, name):
        return self.lab.ce(name)

    def ces(self):
        return [self.lab.ce(name) for name in self.names]

    # what the journals say

    def mark(self):
        """A moment in all journals."""
        return {ce.name: self.log(ce).stat().st_size for ce in self.ces()}

    @staticmethod
    def log(ce):
        return ce.logs / "ppvpn-agent.log"

    def said(self, mark, name):
        """[(code, where, cause)] of a router's events since then."""
        with open(self.log(self.ce(name)), encoding="utf-8", errors="replace") as log:
            log.seek(mark[name])
            found = [EVENT.search(line) for line in log if " code=" in line]
        return [event.groups() for event in found if event]

    def alarms(self, mark, name, code):
        """Causes of such events, in their order."""
        return [cause for event, _, cause in self.said(mark, name) if event == code]

    # is all well?

    def trouble(self):
        """What is not as it should be, in words; empty: nothing."""
        for ce in self.ces():
            status = ce.ask("status")
            wrong = [word for word in ("connected", "charon", "frr", "converged") if not status[word]]
            if wrong or status["errors"] or status["alarms"] or status["result"] != "applied":
                return f"{ce.name}: not {wrong}, {status['result']}, {status['errors']}, {status['alarms']} alarms"
            for peer in ce.ask("peers")["peers"]:
                if peer["state"] != "up" or peer["ospf"] != "Full" or not peer["route"]:
                    return f"{ce.name}: {peer['peer']} {peer['state']}, OSPF {peer['ospf']}, route {peer['route']}"
        return "" if self.pings.flow() else "pings are lost"

    def well(self, fault=None):
        if fault and fault.healed:
            assert fault.healed(self), f"{fault.name}: not as it should be afterwards"
        trouble = self.trouble()
        assert not trouble, trouble
        return True

    # one fault

    def run(self, fault):
        """Does it; the row of the table is there whatever came of it."""
        row = {"name": fault.name, "result": "FAILED"}
        self.rows.append(row)
        fault = replace(fault, **{name: value(self) for name in ("alarm", "lasts") if callable(value := getattr(fault, name))})
        # what is broken for good is not waited for again before each other row
        wait_until(self.well, 60 if self.failed < 2 else 1, f"all is well before: {fault.name}", 0.3)
        self.failed += 1
        try:
            self._run(fault, row)
        except Exception as error:
            with open(SHARE / "campaign.log", "a", encoding="utf-8") as log:
                log.write(f"\n==== {fault.name}: {error}\n" + self._state(fault))
            raise
        self.failed = 0

    def _state(self, fault):
        """What a row that failed leaves, at once: later rows change it."""
        text = [self.ce(fault.at).out("ppvpnctl status; ppvpnctl peers; ppvpnctl alarms; ppvpnctl plan; ip rule; ip route show table all; "
                                      "swanctl --list-sas; ip -br link", check=False)]
        return "\n".join(text + [f"---- {ce.name}\n{self.log(ce).read_text(errors='replace')[-6000:]}" for ce in self.ces()])

    def _run(self, fault, row):
        mark, begin = self.mark(), time.monotonic()
        kept = fault.inject(self)
        mended = time.monotonic()
        try:
            self._lasts(fault, mark, begin)
        finally:
            if fault.mend:
                fault.mend(self, kept) if kept is not None else fault.mend(self)
                mended = time.monotonic()
        wait_until(lambda: self.well(fault), fault.within, f"all is well after: {fault.name}", 0.3)
        healed = time.monotonic()
        self._over(fault, mark)
        self.ce(fault.at).wait_plan_empty(15)
        end = time.monotonic()
        wait_until(lambda: time.monotonic() > end + LATE, 5, "the last pings' answers")
        lost = self.pings.lost(begin, end)
        row.update(pings=self.pings.count(begin, end), lost=lost, lasted=mended - begin, heal=healed - mended,
                   says=self._says(fault), rate=self.pings.count(begin, end) / len(self.pings.pairs) / (end - begin))
        wrong = {pair: len(gone) for pair, gone in lost.items() if not may_lose(fault, pair)}
        assert not wrong, f"{fault.name}: pings lost where nothing was hit: {wrong}"
        raised = {name: self.alarms(mark, name, "alarm-raised") for name in self.names}
        strange = {name: [cause for cause in causes if cause != fault.alarm] for name, causes in raised.items()}
        assert not any(strange.values()), f"{fault.name}: alarms that do not belong to it: {strange}"
        row["result"] = "held"
        with open(SHARE / "campaign.log", "a", encoding="utf-8") as log:
            log.write(self._line(row) + "\n")

    def _lasts(self, fault, mark, begin):
        """Until it has lasted long enough, was noticed and said."""
        def noticed():
            codes = [code for code, _, _ in self.said(mark, fault.at)]
            assert not fault.events or fault.events[0] in codes, f"{fault.events[0]} was not said: {codes}"
            assert not fault.alarm or fault.alarm in self.alarms(mark, fault.at, "alarm-raised"), f"no alarm {fault.alarm}: {codes}"
            assert not fault.seen or fault.seen(self), "not seen"
            return time.monotonic() >= begin + fault.lasts
        wait_until(noticed, fault.lasts + 60, f"{fault.at} notices: {fault.name}")

    def _over(self, fault, mark):
        """What is said when it has passed."""
        def over():
            codes = [code for code, _, _ in self.said(mark, fault.at)]
            assert not fault.events or fault.events[1] in codes[codes.index(fault.events[0]):], codes
            assert not fault.alarm or fault.alarm in self.alarms(mark, fault.at, "alarm-cleared"), f"{fault.alarm} was not cleared"
            return True
        wait_until(over, 15, f"{fault.at} says that it is over: {fault.name}")

    @staticmethod
    def _says(fault):
        alarm = [f"alarm {fault.alarm} raised, cleared"] if fault.alarm else []
        return "; ".join(alarm + [" ... ".join(fault.events)] * bool(fault.events) + [f"({fault.note})"] * bool(fault.note)) or "-"

    # the end

    def leave_out(self, fault):
        """A row that says why it is not run."""
        self.rows.append({"name": fault.name, "result": "left out", "says": fault.left_out})

    def close(self):
        self.pings.stop()
        tell(f"The fault campaign{' at full length' if self.full else ''}: {len(self.names)} sites, "
             f"{len(self.pings.pairs)} pairs, {sum(map(len, self.pings.sent))} pings, {time.monotonic() - self.begin:.0f} s\n" + self.table())

    def table(self):
        return "\n".join([f"{'fault':<44} {'lasted':>7} {'healed':>7} {'pings':>6} {'lost':>5}  {'where (most of a pair)':<40} said by the router",
                          *map(self._line, self.rows)])

    def _line(self, row):
        if "heal" not in row:
            return f"{row['name']:<44} {row['result']}: {row.get('says', '')}"
        lost = sum(map(len, row["lost"].values()))
        return (f"{row['name']:<44} {row['lasted']:>6.1f}s {row['heal']:>6.1f}s {row['pings']:>6} {lost:>5}  "
                f"{self._where(row):<40} {row['says']}{'' if row['result'] == 'held' else '   ' + row['result']}")

    @staticmethod
    def _where(row):
        """The pairs that lost some: all of a site's at once, else one by one."""
        pairs = set(row["lost"])
        if not pairs:
            return "none"
        most = max(len(gone) for gone in row["lost"].values()) / row["rate"]
        common = set.intersection(*map(set, pairs))
        if len(pairs) == 1:
            text = "-".join(next(iter(pairs)))
        elif common:
            text = f"{len(pairs)} pairs of {common.pop()}"
        else:
            text = f"{len(pairs)} pairs"
        return f"{text} ({most:.1f} s)"
