# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright (C) The ppvpn authors
#
# What testing/demo, testing/check, testing/lab and testing/bench share on the host: where things are
# kept, what is said and asked before anything is downloaded, becoming root, and stopping on an error.
# shellcheck shell=bash

set -euo pipefail

# What a login may leave out or set otherwise: su without "-" has no sbin, cron no HOME.
umask 022
PATH=${PATH:-/usr/bin:/bin}:/usr/sbin:/sbin
HOME=${HOME:-$(getent passwd "$(id -u)" | cut -d: -f6)}
export PATH HOME

# A lab's kernel has a file of this machine open for each of its own: more than the 1,024 that a login has.
ulimit -n 65536 2>/dev/null || ulimit -n "$(ulimit -Hn)" 2>/dev/null || true

PPVPN_TOP=${PPVPN_TOP:-$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd -P)}
PPVPN_LAB_CACHE=${PPVPN_LAB_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/ppvpn-lab}
PPVPN_LAB_MEMORY=${PPVPN_LAB_MEMORY:-1024}      # MiB of each lab kernel
export PPVPN_TOP PPVPN_LAB_CACHE PPVPN_LAB_MEMORY

LAB_KERNEL=${LAB_KERNEL:-uml}                  # uml: the lab's own; qemu: Debian's, emulated; host: the machine's
NO_UML=${NO_UML:-}                             # why it is not uml: the beginning of a sentence
ASSUME_YES=${ASSUME_YES:-no}
ARCH=$(dpkg --print-architecture)

say() { printf '%s\n' "$*"; }
step() { printf '\n== %s\n' "$*"; }
die() { printf '%s: %s\n' "$(basename "$0")" "$*" >&2; exit 1; }

# The options all four commands have; sets REST to what is left.
common_options() {
    REST=()
    while [ $# -gt 0 ]; do
        case $1 in
            --yes | -y) ASSUME_YES=yes ;;
            --kernel) [ $# -gt 1 ] || die "--kernel needs 'uml', 'qemu' or 'host'"; LAB_KERNEL=$2; shift ;;
            --kernel=*) LAB_KERNEL=${1#*=} ;;
            *) REST+=("$1") ;;
        esac
        shift
    done
    case $LAB_KERNEL in uml | qemu | host) ;; *) die "--kernel is 'uml', 'qemu' or 'host', not '$LAB_KERNEL'" ;; esac
}

# Everything below works as root: roots are made with their real owners, and namespaces need it.
become_root() {
    [ "$(id -u)" -ne 0 ] || return 0
    command -v sudo >/dev/null || die "needs root: run it as root, or install sudo for this user"
    mkdir -p "$PPVPN_LAB_CACHE"     # by its owner: a new user has no ~/.cache yet, and root's would be in his way
    say "Making root file systems and booting the lab needs root: going on with sudo."
    exec sudo -- env PPVPN_LAB_CACHE="$PPVPN_LAB_CACHE" PPVPN_LAB_MEMORY="$PPVPN_LAB_MEMORY" \
        NO_UML="$NO_UML" ASSUME_YES=yes ANNOUNCED=yes HOME="$HOME" PATH="$PATH" "$0" "$@"
}

# Without user-mode-linux only the machine's own kernel is left, if it can do it.
choose_kernel() {
    case $ARCH:$LAB_KERNEL in
        amd64:*) ;;
        *:uml)
            NO_UML="Debian has no user-mode-linux for $ARCH, and "
            LAB_KERNEL=host
            ;;
        *:qemu) die "--kernel qemu boots a PC, and this machine is $ARCH: --kernel host may do" ;;
    esac
}

# announce WORD...: what is missing in the cache of these roots, kernels and tools; asks once, only on a terminal.
announce() {
    local missing=() roots=$*
    [[ $roots != *uml* ]] || [ -x "$(uml_dir)/usr/bin/linux.uml" ] ||
        missing+=("the lab's kernel (user-mode-linux): 45 MB to download, 95 MB on disk")
    [[ $roots != *qemu* ]] || [ -e "$(root_dir qemu)/.complete" ] ||
        missing+=("Debian's own kernel and qemu: 120 MB to download, 100 MB on disk")
    [[ $roots != *build* ]] || [ -e "$(root_dir build)/.complete" ] ||
        missing+=("a Debian root to build in (compiler, libraries): 200 MB to download, 930 MB on disk")
    [[ $roots != *lab* ]] || [ -e "$(root_dir lab)/.complete" ] ||
        missing+=("a Debian root to test in (strongSwan, FRR): 80 MB to download, 310 MB on disk")
    [[ $roots != *promtool* ]] || [ -x "$(promtool_dir)/promtool" ] ||
        missing+=("promtool, which checks alerts and metrics (of prometheus): 19 MB to download, 48 MB on disk")
    if [ ${#missing[@]} -eq 0 ] || [ "${ANNOUNCED:-no}" = yes ]; then
        return 0
    fi
    say "This will download, from this machine's own Debian sources, and unpack into"
    say "  $PPVPN_LAB_CACHE"
    printf '  - %s\n' "${missing[@]}"
    [[ $roots != *build* ]] || say "  - the strongSwan source that matches the packages: 5 MB to download, 95 MB on disk"
    say "Each build takes another 300 MB there; a lab kernel takes up to $PPVPN_LAB_MEMORY MB of memory."
    say "Nothing is installed on this machine and no service is started; to undo all of it, remove that directory."
    [ "$ASSUME_YES" = no ] || return 0
    if [ -t 0 ] && [ -t 1 ]; then
        local answer
        read -r -p "Go on? [Y/n] " answer
        case $answer in '' | y | Y | yes) ASSUME_YES=yes ;; *) die "stopped: nothing was changed" ;; esac
    fi
}

enough_disk() {
    mkdir -p "$PPVPN_LAB_CACHE"
    local free
    free=$(df --output=avail -m "$PPVPN_LAB_CACHE" | tail -n 1)
    [ "$free" -ge 2500 ] || [ -e "$PPVPN_LAB_CACHE/.filled" ] ||
        die "$PPVPN_LAB_CACHE has $free MB free; 2500 are needed (PPVPN_LAB_CACHE names another place)"
}

# One at a time may fill the cache.
with_lock() {
    mkdir -p "$PPVPN_LAB_CACHE"
    exec 9>"$PPVPN_LAB_CACHE/.lock"
    flock -n 9 || { say "Another testing/ command is filling the cache: waiting for it."; flock 9; }
}
release_lock() { exec 9>&-; }

# quietly LOG COMMAND...: shows the log only if the command fails.
quietly() {
    local log=$1
    shift
    mkdir -p "$(dirname "$log")"
    if ! "$@" >"$log" 2>&1; then
        tail -n 60 "$log" >&2
        die "failed: $1 (whole log: $log)"
    fi
}
