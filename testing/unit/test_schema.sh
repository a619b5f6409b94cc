#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright (C) 2026 The ppvpn authors
#
# Runs test_schema.py on the helper in the build directory.

here=${top_srcdir:-$(dirname "$0")/../..}/testing/unit
"${PYTHON3:-python3}" -c 'import jsonschema' 2>/dev/null || {
	echo "python3-jsonschema is not installed: skipped"
	exit 77
}
exec "${PYTHON3:-python3}" "$here/test_schema.py" testing/unit/decode-documents
