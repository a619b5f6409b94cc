# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright (C) The ppvpn authors
#
# The product in the roots: copies the source tree into the build root, builds there as a packager does,
# and installs the packages into a copy of the lab root. All cached by what goes in.
# shellcheck shell=bash

# Tracked files (or all, where this is no git checkout), with their uncommitted changes. NUL-separated.
source_files() {
    (
        cd "$PPVPN_TOP" || exit
        if git -c safe.directory='*' rev-parse --is-inside-work-tree >/dev/null 2>&1; then
            git -c safe.directory='*' ls-files -z
        else
            find . -type f ! -path './.git/*' -printf '%P\0'
        fi | while IFS= read -r -d '' file; do
            [ ! -e "$file" ] && [ ! -L "$file" ] || printf '%s\0' "$file"
        done
    )
}

# What the packages are made from: not the lab's own files.
product_files() { source_files | grep -zvE '^(testing/(kit|scenarios|host|guest)/|testing/[^/]*$|\.ci/|[^/]*\.md$)' || true; }

# shellcheck disable=SC2016 # for the shell of xargs
product_hash() {
    if [ -n "${PRODUCT_HASH:-}" ]; then
        printf '%s' "$PRODUCT_HASH"
        return
    fi
    { product_files; printf '%s\0' testing/local.mk testing/host/build-in-root testing/host/roots.sh; } |
        (cd "$PPVPN_TOP" && xargs -0 -r sh -c 'for f; do [ -f "$f" ] && sha256sum -- "$f"; done; true' -) |
        sha256sum | cut -c1-16
}

# From here on the product is what it is now, whatever is edited meanwhile.
pin_product() {
    PRODUCT_HASH=$(product_hash)
    export PRODUCT_HASH
}

# All of the source tree as it is now, in DIR, for a run that takes a while.
pin_source() {
    pin_product
    mkdir -p "$1"
    source_files | (cd "$PPVPN_TOP" && tar -c --null -T - -f -) | tar -x -C "$1" -f -
    chmod -R a+rX "$1"      # a checkout may be its owner's alone; the tests run as somebody else
    export PPVPN_TOP=$1
}

packages_dir() { printf '%s/packages/%s' "$PPVPN_LAB_CACHE" "$(product_hash)"; }

product_root() { printf '%s/roots-with-product/%s-%s' "$PPVPN_LAB_CACHE" "$(product_hash)" "$(basename "$(root_dir lab)")"; }

# Older builds; never one that a colleague's run may still use.
forget_old() {
    local old
    find "$1" -mindepth 1 -maxdepth 1 -mmin +120 -printf '%T@ %p\n' 2>/dev/null | sort -rn | tail -n +3 | cut -d' ' -f2- |
        while IFS= read -r old; do rm -rf "$old"; done
}

# build_stage STAGE OUT [ARGUMENT]...: one stage of testing/host/build-in-root on a fresh copy of the source; results in OUT.
build_stage() {
    local stage=$1 out=$2 work rc=0
    shift 2
    mkdir -p "$out" "$PPVPN_LAB_CACHE/strongswan" "$PPVPN_LAB_CACHE/stages" "$(promtool_dir)"
    find "$PPVPN_LAB_CACHE/stages" -mindepth 1 -maxdepth 1 -mmin +1440 -exec rm -rf {} + # of a run that was killed
    work=$(mktemp -d "$PPVPN_LAB_CACHE/stages/$stage.XXXXXX")
    mkdir -p "$work/ppvpn"
    source_files | (cd "$PPVPN_TOP" && tar -c --null -T - -f -) | tar -x -C "$work/ppvpn" -f -
    chown -R 1000:1000 "$work" "$out" "$PPVPN_LAB_CACHE/strongswan"
    in_root "$(root_dir build)" --bind "$work" /build --bind "$out" /out --bind "$PPVPN_LAB_CACHE/strongswan" /strongswan \
        --bind "$PPVPN_TOP/testing/host" /host --bind "$(promtool_dir)" /promtool -- /host/build-in-root "$stage" "$@" >"$out/$stage.log" 2>&1 || rc=$?
    rm -rf "$work"
    return $rc
}

# in_python OUT ARGUMENT...: the build root's python3 (this machine may have none) with testing/host in /host, OUT in /out.
in_python() {
    local out=$1
    shift
    in_root "$(root_dir build)" --bind "$out" /out --bind "$PPVPN_TOP/testing/host" /host -- python3 "$@"
}

need_strongswan_source() {
    [ ! -e "$PPVPN_LAB_CACHE/strongswan/.complete" ] ||
        [ "$(cat "$PPVPN_LAB_CACHE/strongswan/.complete")" != "$(root_dir build)" ] || return 0
    say "strongSwan's source, for its headers"
    build_stage strongswan-source "$PPVPN_LAB_CACHE/logs" || {
        tail -n 30 "$PPVPN_LAB_CACHE/logs/strongswan-source.log" >&2
        die "cannot get strongSwan's source (log: $PPVPN_LAB_CACHE/logs/strongswan-source.log)"
    }
    root_dir build >"$PPVPN_LAB_CACHE/strongswan/.complete"
}

need_packages() {
    local out
    out=$(packages_dir)
    [ ! -e "$out/.complete" ] || return 0
    make_root build
    need_strongswan_source
    say "packages: building"
    rm -rf "$out"
    build_stage packages "$out" || {
        grep -nE '(error|Error|FAIL|fatal)[: ]' "$out/packages.log" | head -n 40 >&2 || true
        tail -n 40 "$out/packages.log" >&2
        die "the packages do not build (whole log: $out/packages.log)"
    }
    : >"$out/.complete"
    forget_old "$PPVPN_LAB_CACHE/packages"
}

need_product_root() {
    local root
    pin_product
    root=$(product_root)
    [ ! -e "$root/.complete" ] || return 0
    make_root lab
    need_packages
    say "lab root: installing the packages"
    rm -rf "$root" "$root.new"
    mkdir -p "$(dirname "$root")"
    cp -a "$(root_dir lab)" "$root.new"
    # shellcheck disable=SC2016 # for the shell in the root
    quietly "$PPVPN_LAB_CACHE/logs/install.log" in_root "$root.new" --bind "$(packages_dir)" /mnt -- \
        env DEBIAN_FRONTEND=noninteractive bash -ec '
            dpkg -i $(ls /mnt/*.deb | grep -v dbgsym) || { apt-get update; apt-get -y --no-install-recommends -f install; }
            install -D -m 755 /mnt/netlink-kernel /usr/local/lib/ppvpn-test/netlink-kernel
            dpkg --audit'
    : >"$root.new/.complete"
    touch "$root.new" # the copy came with the age of what it was copied from, and forget_old would take it
    mv "$root.new" "$root"
    forget_old "$(dirname "$root")"
}
