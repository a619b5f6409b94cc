# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright (C) The ppvpn authors
#
# Waiting for a condition, always with a deadline and a name that says what was waited for.
import time


class Timeout(AssertionError):
    """A condition did not come true in time."""


def wait_until(condition, timeout, what, every=0.2):
    """Calls condition until it returns something true, and returns that.

    An exception counts as "not yet"; the last one, or the last value, is part of the failure's text.
    """
    deadline = time.monotonic() + timeout
    while True:
        try:
            last = condition()
            if last:
                return last
        except (AssertionError, OSError, ValueError, LookupError, TypeError, RuntimeError) as error:
            last = f"{type(error).__name__}: {error}"
        if time.monotonic() >= deadline:
            raise Timeout(f"not within {timeout} s: {what} (last: {str(last)[-1500:]})")
        time.sleep(every)
