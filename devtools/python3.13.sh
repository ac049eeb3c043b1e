#!/usr/bin/env bash
# Runs a command of the checkout on a Debian that has Python 3.13: a folder of the cache, entered with chroot (needs root).
set -euo pipefail
cd "$(dirname "$0")/.."
debian="${XDG_CACHE_HOME:-$HOME/.cache}/swatchbook/python3.13"

if [ ! -d "$debian" ]; then
    mirror=$(apt-get indextargets --format '$(SITE)' 'Created-By: Packages' "Codename: $(. /etc/os-release && echo "$VERSION_CODENAME")")
    rm -rf "$debian.new"
    debootstrap --variant=minbase --include=ca-certificates,git,make,python3.13,python3-venv \
        trixie "$debian.new" "${mirror%%$'\n'*}" > /dev/null
    mv "$debian.new" "$debian"
fi

# What a command reads and writes outside of Debian: this machine's network and certificates, caches and the checkout.
unshare --mount bash -euo pipefail -c '
    debian=$1 && shift
    for path in /dev /proc /sys /tmp /etc/hosts /etc/pip.conf /etc/resolv.conf /etc/ssl "$HOME" "$PWD"; do
        if [ -d "$path" ]; then
            mkdir -p "$debian$path"
        elif [ -e "$path" ]; then
            touch "$debian$path"
        else
            continue
        fi
        mount --rbind "$path" "$debian$path"
    done
    exec chroot "$debian" env --chdir="$PWD" PATH=/usr/sbin:/usr/bin:/sbin:/bin "$@"' mounted "$debian" "$@"
