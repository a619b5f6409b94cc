# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright (C) The ppvpn authors
#
# The lab's tools, kernel and root file systems: unpacked and built from this machine's own Debian
# package sources into the cache, never installed on the machine. A root is named by the hash of what it
# is made from, so that a changed package list makes a new one.
# shellcheck shell=bash

BUILD_PACKAGES="build-essential autoconf automake libtool pkg-config debhelper fakeroot
    libmicrohttpd-dev libgnutls28-dev libsqlite3-dev libjson-c-dev libsodium-dev libevent-dev
    libcurl4-gnutls-dev libnl-3-dev libnl-route-3-dev libyaml-dev libnftables-dev libinih-dev libsystemd-dev
    check valgrind python3 python3-jsonschema python3-pytest python3-yaml mandoc shellcheck git ca-certificates curl openssl strace
    dpkg-dev dh-apparmor apparmor apt iproute2 mount bzip2 xz-utils bison flex gperf
    libstrongswan libstrongswan-standard-plugins libcharon-extra-plugins strongswan-libcharon
    charon-systemd strongswan-swanctl"

LAB_PACKAGES="charon-systemd strongswan-swanctl strongswan-pki strongswan-libcharon
    libstrongswan libstrongswan-standard-plugins libstrongswan-extra-plugins libcharon-extra-plugins
    adduser apparmor frr frr-pythontools iproute2 iputils-ping nftables tcpdump strace curl openssl gnutls-bin kmod mount procps util-linux systemd-sysv dbus
    python3 python3-pytest
    libmicrohttpd12 libgnutls30 libsqlite3-0 libjson-c5 libsodium23 libevent-2.1-7 libevent-core-2.1-7
    libcurl3-gnutls libnl-3-200 libnl-route-3-200 libyaml-0-2 libnftables1 libinih1 libsystemd0 libasan8 libubsan1"

QEMU_PACKAGES="qemu-system-x86 linux-image-amd64 busybox-static"

tools_dir() { printf '%s/tools' "$PPVPN_LAB_CACHE"; }
promtool_dir() { printf '%s/promtool' "$PPVPN_LAB_CACHE"; }
uml_dir() { printf '%s/uml' "$PPVPN_LAB_CACHE"; }

root_packages() {
    case $1 in
        build) printf '%s' "$BUILD_PACKAGES" ;;
        lab) printf '%s' "$LAB_PACKAGES" ;;
        qemu) printf '%s' "$QEMU_PACKAGES" ;;
    esac
}

# How mmdebstrap makes it, and when our own part comes: installed on a small Debian, or the packages' files alone.
root_variant() { case $1 in qemu) printf 'extract extract' ;; *) printf 'apt customize' ;; esac; }

root_dir() {
    local hash
    hash=$({ root_packages "$1"; declare -f make_root root_hooks "${1}_root"; } | sha256sum | cut -c1-12)
    printf '%s/roots/%s-%s' "$PPVPN_LAB_CACHE" "$1" "$hash"
}

# apt with its own lists and archives, so that nothing of the machine's apt changes.
private_apt() {
    local state=$PPVPN_LAB_CACHE/apt
    mkdir -p "$state/lists/partial" "$state/archives/partial"
    "$1" -q -o Dir::State::lists="$state/lists" -o Dir::Cache::archives="$state/archives" \
        -o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache= -o APT::Sandbox::User=root \
        -o APT::Update::Post-Invoke-Success::= -o APT::Update::Post-Invoke::= "${@:2}"
}

# Which of the machine's package sources are Debian's own, as lines for another apt.
debian_sources() {
    # shellcheck disable=SC2016 # apt's own variables
    private_apt apt-get indextargets --format \
        '$(CREATED_BY) $(ORIGIN) $(REPO_URI) $(RELEASE) $(COMPONENT)' |
        awk '$1 == "Packages" && $2 == "Debian" { print "deb", $3, $4, $5 }' | sort -u
}

refresh_apt() {
    [ -z "${APT_FRESH:-}" ] || return 0
    # Third-party lists may fail; what counts is that Debian's own are there.
    private_apt apt-get update >"$PPVPN_LAB_CACHE/apt.log" 2>&1 || true
    if [ -z "$(debian_sources)" ]; then
        tail -n 20 "$PPVPN_LAB_CACHE/apt.log" >&2
        die "apt lists no Debian package source on this machine (log: $PPVPN_LAB_CACHE/apt.log)"
    fi
    APT_FRESH=yes
}

# unpack DIR PACKAGE...: the packages' files in DIR, no scripts run.
unpack() {
    local dir=$1 work
    shift
    work=$(mktemp -d "$PPVPN_LAB_CACHE/unpack.XXXXXX")
    (cd "$work" && private_apt apt-get download "$@" >download.log 2>&1) ||
        { cat "$work/download.log" >&2; die "cannot download $*"; }
    mkdir -p "$dir.new"
    for deb in "$work"/*.deb; do
        dpkg-deb -x "$deb" "$dir.new"
    done
    rm -rf "$work" "$dir"
    mv "$dir.new" "$dir"
}

# What the lab boots: uml, qemu or host.
need_kernel() {
    case $1 in
        uml) need_uml ;;
        qemu) make_root qemu ;;
        host) check_host_kernel ;;
    esac
}

need_uml() {
    [ ! -x "$(uml_dir)/usr/bin/linux.uml" ] || return 0
    refresh_apt
    say "kernel: user-mode-linux"
    unpack "$(uml_dir)" user-mode-linux
}

# Of Prometheus only the program that checks rules and metrics, beside the build root and not in it: what the
# package brings along would make that root half as large again.
need_promtool() {
    [ ! -x "$(promtool_dir)/promtool" ] || return 0
    refresh_apt
    say "promtool"
    unpack "$(promtool_dir).package" prometheus
    mkdir -p "$(promtool_dir)"
    mv "$(promtool_dir).package/usr/bin/promtool" "$(promtool_dir)/promtool"
    rm -rf "$(promtool_dir).package"
}

# mmdebstrap is a Perl script: git has brought Perl along, and its own package is unpacked, not installed.
mmdebstrap() {
    if command -v /usr/bin/mmdebstrap >/dev/null; then
        /usr/bin/mmdebstrap "$@"
        return
    fi
    [ -x "$(tools_dir)/usr/bin/mmdebstrap" ] || unpack "$(tools_dir)" mmdebstrap
    perl "$(tools_dir)/usr/bin/mmdebstrap" "$@"
}

# shellcheck disable=SC2016 # for the shell in the lab
# What every root gets before its first package is configured.
root_hooks() {
    case $1 in
        setup) # no daemon starts, whatever a package's scripts ask for
            mkdir -p "$2/usr/sbin" "$2/etc/dpkg/dpkg.cfg.d"
            printf 'path-exclude=/usr/share/%s/*\n' doc locale info >"$2/etc/dpkg/dpkg.cfg.d/ppvpn-lab"
            printf '#!/bin/sh\nexit 101\n' >"$2/usr/sbin/policy-rc.d"
            chmod 755 "$2/usr/sbin/policy-rc.d"
            ;;
        *) "${1}_root" "$2" ;;
    esac
}

build_root() {
    sed -n 's/^deb /deb-src /p' "$1/etc/apt/sources.list" >"$1/etc/apt/sources.list.d/source.list"
    chroot "$1" useradd -m -u 1000 -s /bin/bash builder
    mkdir -p "$1/build" "$1/source"
}

# shellcheck disable=SC2016 # for the shell in the lab
lab_root() {
    mkdir -p "$1/lab/src" "$1/lab/share" "$1/lab/tmpfs" "$1/lib/modules"
    printf '%s\n' '#!/bin/sh' 'mount -t hostfs -o "ro,$lab_source" none /lab/src' \
        'exec /lab/src/testing/guest/init' >"$1/lab/init"
    chmod 755 "$1/lab/init"
}

# Debian's own kernel and the qemu that boots it: of all those packages one program with its libraries and firmware,
# the modules that a lab may load, and an initramfs that mounts the lab's root. A tenth of what was unpacked.
# shellcheck disable=SC2016 # for the shell in the initramfs
qemu_root() {
    local root=$1 version modules initrd=$1/initrd.d module number=100
    version=$(basename "$root"/lib/modules/*)
    modules=$root/lib/modules/$version/kernel
    mkdir -p "$initrd"/{bin,dev,proc,root} "$root"/{dev,proc,sys,run,tmp,vm}

    find "$modules" -type f ! -path "$modules/net/*" ! -path "$modules/crypto/*" ! -path "$modules/lib/*" \
        ! -path "$modules/arch/*/crypto/*" ! -path "$modules/drivers/virtio/*" ! -path "$modules/drivers/net/*" \
        ! -path "$modules/fs/9p/*" ! -path "$modules/fs/netfs/*" ! -path "$modules/fs/fscache/*" \
        ! -path "$modules/fs/overlayfs/*" -delete
    rm -rf "$modules"/net/{mac80211,wireless,bluetooth,nfc,rxrpc,sunrpc,ceph,sctp,tipc,smc,ieee802154,mac802154} \
        "$modules"/drivers/net/*/
    chroot "$root" depmod "$version"

    cp "$root/bin/busybox" "$initrd/bin/"
    for module in virtio_pci 9pnet_virtio 9p overlay; do
        chroot "$root" modprobe -S "$version" --show-depends "$module"
    done | awk '/^insmod/ && !seen[$2]++ { print $2 }' | while read -r module; do
        cp "$root$module" "$initrd/$((number++))-$(basename "$module")"
    done
    printf '%s\n' '#!/bin/busybox sh' 'export PATH=/bin' '/bin/busybox --install /bin' 'mount -t proc proc /proc' \
        'for module in /*.ko; do insmod "$module"; done' \
        'how=ro,trans=virtio,version=9p2000.L,msize=512000,cache=loose' \
        'mount -t 9p -o "$how" root /root && mount -t 9p -o "$how" source /root/lab/src || poweroff -f' \
        'umount /proc' 'exec switch_root /root /lab/src/testing/guest/init' >"$initrd/init"
    chmod 755 "$initrd/init"
    chroot "$root" busybox sh -c 'cd /initrd.d && find . | cpio -o -H newc --quiet >/boot/initrd'
    mv "$root/boot/vmlinuz-$version" "$root/boot/vmlinuz"

    { chroot "$root" /lib64/ld-linux-x86-64.so.2 --list /usr/bin/qemu-system-x86_64 | awk '/=> \// { print $3 }'
        printf '%s\n' /lib64/ld-linux-x86-64.so.2 /bin/busybox /boot/vmlinuz /boot/initrd \
            /usr/bin/qemu-system-x86_64 /usr/lib/x86_64-linux-gnu/qemu/accel-tcg-x86_64.so \
            /usr/share/seabios/bios-256k.bin /usr/share/qemu/linuxboot_dma.bin /usr/share/qemu/kvmvapic.bin; } |
        chroot "$root" busybox xargs busybox realpath | sed "s|^|$root|" >"$root/keep"
    find "$root"/{bin,boot,lib,lib64,sbin,usr} -path "$root/lib/modules" -prune -o -type f -print |
        grep -vxFf "$root/keep" | xargs -r -d '\n' rm -f
    find "$root"/{boot,sbin,usr} -xtype l -delete
    rm -rf "$root/keep" "$initrd"
    mkdir -p "$root/etc"
    ln -s /bin/busybox "$root/usr/bin/env"
}

make_root() {
    local kind=$1 dir conf variant hook
    read -r variant hook <<<"$(root_variant "$kind")"
    dir=$(root_dir "$kind")
    [ ! -e "$dir/.complete" ] || return 0
    refresh_apt
    say "root: $kind ($(root_packages "$kind" | wc -w) packages and what they need)"
    rm -rf "$dir" "$dir.new"
    mkdir -p "$(dirname "$dir")"
    conf=$dir.apt.conf
    apt-config dump | grep -E '^Acquire::(http|https|Check-|Retries|ForceIP)' >"$conf" || true
    # shellcheck disable=SC2016 # the hooks' own $1
    debian_sources | TMPDIR=$PPVPN_LAB_CACHE quietly "$PPVPN_LAB_CACHE/logs/root-$kind.log" mmdebstrap \
        --mode=root --variant="$variant" --aptopt="$conf" --aptopt='APT::Install-Recommends "false"' \
        --include="$(root_packages "$kind" | tr -s ' \n' ',,')" \
        --setup-hook="$PPVPN_TOP/testing/host/root-hook setup \"\$1\"" \
        "--$hook-hook=$PPVPN_TOP/testing/host/root-hook $kind \"\$1\"" \
        '' "$dir.new" -
    rm -f "$conf"
    : >"$dir.new/.complete"
    mv "$dir.new" "$dir"
    # roots of older package lists
    find "$(dirname "$dir")" -mindepth 1 -maxdepth 1 -name "$kind-*" ! -path "$dir" -mmin +1440 -exec rm -rf {} +
}

# in_root ROOT [--bind FROM TO]... -- COMMAND...: chroot with its own mounts and processes.
in_root() {
    unshare --mount --pid --fork --kill-child --propagation private -- \
        "$PPVPN_TOP/testing/host/enter-root" "$@"
}
