# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright (C) The ppvpn authors
#
# Boots a lab: one kernel (user-mode-linux, Debian's own in qemu, or this machine's), a read-only root, one shared
# directory for what goes in and comes out.
# shellcheck shell=bash

# A kernel keeps its memory in a file: in memory where that is large enough, else in the cache.
memory_dir() {
    local free
    free=$(df --output=avail -m /dev/shm 2>/dev/null | tail -n 1)
    if [ "${free:-0}" -gt "$((PPVPN_LAB_MEMORY * 2))" ]; then
        printf /dev/shm
    else
        mkdir -p "$PPVPN_LAB_CACHE/memory"
        printf '%s/memory' "$PPVPN_LAB_CACHE"
    fi
}

# boot_lab ROOT SHARE SECONDS COMMAND...: the command's exit status; 98 if the kernel died, 99 if it hung.
boot_lab() {
    local root=$1 share=$2 seconds=$3
    shift 3
    mkdir -p "$share"
    rm -f "$share/status" "$share/console"
    printf '%q ' "$@" >"$share/command"
    head -c 512 /dev/urandom >"$share/seed"
    rm -f "$share/hung"
    case $LAB_KERNEL in
        uml) boot_uml "$root" "$share" "$seconds" ;;
        qemu) boot_qemu "$root" "$share" "$seconds" ;;
        host) boot_host "$root" "$share" "$seconds" ;;
    esac
    if [ -s "$share/status" ]; then
        return "$(cat "$share/status")"
    fi
    say "the lab's kernel ended without a result; the end of its console:"
    tail -n 60 "$share/console" 2>/dev/null || true
    [ -e "$share/hung" ] && return 99
    return 98
}

# What the lab's command says, as it says it; the kernel's own lines stay in the file.
show_console() {
    tail -n +1 -s 0.1 --pid="$2" -f "$1" | awk '
        /^lab: begin/ { on = 1; next }
        /^reboot: / { next }
        on { sub(/\r$/, ""); print; fflush() }'
}

# run_kernel SHARE SECONDS COMMAND...: its console to the terminal if there is somebody at it, else into the file.
run_kernel() {
    local share=$1 seconds=$2 rc=0 pid
    shift 2
    if [ -e "$share/interactive" ]; then
        "$@"
        return 0
    fi
    : >"$share/console"
    timeout --kill-after=5 "$seconds" "$@" </dev/null >>"$share/console" 2>&1 &
    pid=$!
    # shellcheck disable=SC2064 # this pid
    trap "kill $pid 2>/dev/null; exit 130" INT TERM
    [ "${LAB_SHOW:-no}" = no ] || show_console "$share/console" "$pid"
    wait "$pid" || rc=$?
    trap - INT TERM
    case $rc in 124 | 137) say "no end after $seconds s"; : >"$share/hung" ;; esac
}

boot_uml() {
    local root=$1 share=$2 seconds=$3 uml console=con0=null,fd:1
    uml=$(uml_dir)
    case "$root$share$PPVPN_TOP" in *[[:space:]]*) die "the lab cannot work in a path with spaces" ;; esac
    mkdir -p "$share/uml"
    [ ! -e "$share/interactive" ] || console=con0=fd:0,fd:1
    TMPDIR=$(memory_dir) run_kernel "$share" "$seconds" \
        "$uml/usr/bin/linux.uml" "mem=${PPVPN_LAB_MEMORY}M" rootfstype=hostfs "rootflags=$root" ro \
        init=/lab/init quiet "uml_dir=$share/uml" con=null "$console" \
        "lab_source=$PPVPN_TOP" "lab_share=$share" "lab_modules=$uml/usr/lib/uml/modules"
}

# Debian's own kernel in qemu, which runs in its own root and sees nothing else, no network either. A /dev/kvm without
# the processor's help, as some rented machines have, lets qemu start and then nothing happens: only with both.
boot_qemu() {
    local root=$1 share=$2 seconds=$3 qemu accel=(-accel "tcg,tb-size=256") shared=() name
    qemu=$(root_dir qemu)
    if grep -qwE 'vmx|svm' /proc/cpuinfo && [ -w /dev/kvm ]; then
        accel=(-accel kvm "${accel[@]}")
    fi
    for name in root source modules; do
        shared+=(-virtfs "local,mount_tag=$name,path=/vm/$name,security_model=none,readonly=on,multidevs=remap")
    done
    run_kernel "$share" "$seconds" unshare --mount --net --pid --fork --kill-child --propagation private -- \
        "$PPVPN_TOP/testing/host/enter-root" "$qemu" --bind "$root" /vm/root --bind "$PPVPN_TOP" /vm/source \
        --bind "$qemu/lib/modules" /vm/modules --bind "$share" /vm/share -- \
        qemu-system-x86_64 -no-user-config -nodefaults -M q35 -cpu max "${accel[@]}" -m "$PPVPN_LAB_MEMORY" -display none -chardev stdio,id=console,signal=off -serial chardev:console -no-reboot \
        "${shared[@]}" -virtfs local,mount_tag=share,path=/vm/share,security_model=passthrough,multidevs=remap \
        -kernel /boot/vmlinuz -initrd /boot/initrd -append "console=ttyS0 quiet panic=-1 \
            lab_files=9p lab_share=share lab_modules=modules lab_terminal=ttyS0"
}

# The same in namespaces of this machine's kernel, where it has what the tunnels need.
check_host_kernel() {
    # shellcheck disable=SC2016
    unshare --net bash -c 'ip link add v type vti local 192.0.2.1 remote 192.0.2.2 key 1 && ip link add r type vrf table 9' \
        >/dev/null 2>&1 || die "cannot run the lab: ${NO_UML}this machine's kernel ($(uname -r), $ARCH) has no VTI or no VRF"
}

boot_host() {
    local root=$1 share=$2 seconds=$3 rc=0
    timeout --foreground --kill-after=5 "$seconds" unshare --mount --net --pid --ipc --uts --fork --kill-child \
        --propagation private -- "$PPVPN_TOP/testing/host/enter-host-lab" "$root" "$share" "$PPVPN_TOP" \
        >"$share/console" 2>&1 || rc=$?
    case $rc in 124 | 137) say "no end after $seconds s"; : >"$share/hung" ;; esac
}

# Under which kernel a scenario runs: the one its first comment lines name ("# kernel: qemu"), else LAB_KERNEL. Whoever
# asks for this machine's own kernel, or another than user-mode-linux, gets it for all.
scenario_kernel() {
    local named
    named=$(sed -n '/^#/!q; s/^# kernel: *//p' "$1" | head -n 1)
    case $named in '' | uml | qemu) ;; *) die "$1: '# kernel:' is 'uml' or 'qemu', not '$named'" ;; esac
    if [ "$LAB_KERNEL" = uml ]; then
        printf '%s' "${named:-uml}"
    else
        printf '%s' "$LAB_KERNEL"
    fi
}

# scenario_kernels FILE...: all that they run under.
scenario_kernels() {
    local file
    for file; do
        scenario_kernel "$file"
        printf '\n'
    done | sort -ru
}

# run_scenarios ROOT SHARE SECONDS [PYTEST OPTION]... -- FILE...: pytest in a lab; results.tsv in SHARE.
run_scenarios() {
    local root=$1 share=$2 seconds=$3 options=() names=() file
    shift 3
    while [ "$1" != -- ]; do
        options+=("$1")
        shift
    done
    shift
    mkdir -p "$share/scenarios"
    for file; do
        cp "$file" "$share/scenarios/"
        names+=("/lab/share/scenarios/$(basename "$file")")
    done
    boot_lab "$root" "$share" "$seconds" env PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=/lab/src/testing \
        python3 -m pytest -p no:cacheprovider -p kit.plugin --rootdir=/lab/share/scenarios --color=no -q --tb=short \
        --durations=10 "${options[@]}" "${names[@]}"
}
