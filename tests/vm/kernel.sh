# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# Kernels for guests: Debian 12's own (6.1) and that of its backports (6.12). Each is downloaded with apt,
# unpacked into a cache and never installed; bookworm-backports is read with an apt configuration of its
# own, so that the host's sources stay as they are. Sourced by guest.sh.
#
#   kernel_get RELEASE     has 6.1 or 6.12 in the cache, or says why not (on standard output, status 1)
#   kernel_dir RELEASE     its folder there: vmlinuz, version (as uname -r says it), lib/modules/
#   kernel_initramfs RELEASE FILE     makes the initramfs that leads a guest into the host's root
#
# Environment: VM_CACHE [/var/cache/sluice-vm], shared by all trees of this machine; to fetch the newest
# kernels, remove it. About 500 MB.
VM_CACHE=${VM_CACHE:-/var/cache/sluice-vm}
kernel_releases="6.1 6.12"

kernel_dir() {
	echo "$VM_CACHE/$1"
}

# kernel_apt TOOL ARG ...: apt-get or apt-cache of bookworm-backports, with lists of its own.
kernel_apt() {
	local tool=$1 dir=$VM_CACHE/apt
	shift
	"$tool" -q -o Dir::Etc::sourcelist="$dir/sources.list" -o Dir::Etc::sourceparts="$dir/none" \
		-o Dir::State::lists="$dir/lists" -o Dir::Cache="$dir/cache" "$@"
}

# The host's own source of bookworm has the backports, too: whatever mirror that is.
kernel_backports() {
	local dir=$VM_CACHE/apt uri signed="" keyring=/usr/share/keyrings/debian-archive-keyring.gpg
	uri=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Codename: bookworm' \
		'Origin: Debian' 'Component: main' | head -n 1)
	[ -n "$uri" ] || { echo "apt knows no source of Debian's bookworm to derive its backports from"; return 1; }
	[ ! -e "$keyring" ] || signed="[signed-by=$keyring]"
	mkdir -p "$dir/none" "$dir/lists/partial" "$dir/cache/archives/partial" &&
		echo "deb $signed $uri bookworm-backports main" >"$dir/sources.list"
	kernel_apt apt-get update >"$dir/log" 2>&1 && ! grep -q '^[EW]: .*backports' "$dir/log" || {
		echo "bookworm-backports can't be read: $(grep -m 1 '^[EW]:' "$dir/log")"
		return 1
	}
}

# kernel_package APT...: the package that the newest linux-image-amd64 stands for.
kernel_package() {
	"$@" apt-cache depends linux-image-amd64 2>/dev/null |
		sed -n 's/^ *Depends: \(linux-image-[0-9].*-amd64\)$/\1/p' | head -n 1
}

# kernel_unpack RELEASE APT...: downloads and unpacks; what guests never load is left out. APT is what
# runs apt-get and apt-cache: kernel_apt, or env for the host's own.
kernel_unpack() {
	local release=$1 dir package tmp
	shift
	dir=$(kernel_dir "$release")
	package=$(kernel_package "$@")
	case $package in
	linux-image-"$release".*) ;;
	*) echo "apt has no linux-image-amd64 of $release here (but ${package:-none})"; return 1 ;;
	esac
	tmp=$VM_CACHE/new-$release
	rm -rf "$tmp" && mkdir -p "$tmp/tree" || return 1
	(cd "$tmp" && "$@" apt-get -o APT::Sandbox::User=root download "$package") >"$tmp/log" 2>&1 || {
		echo "apt-get download $package: $(grep -m 1 '^E:' "$tmp/log")"
		return 1
	}
	dpkg-deb --fsys-tarfile "$tmp"/*.deb | tar -x -C "$tmp/tree" --exclude='*/drivers/gpu/*' \
		--exclude='*/drivers/media/*' --exclude='*/drivers/staging/*' --exclude='*/net/wireless/*' \
		--exclude='*/kernel/sound/*' --exclude='./usr/*' &&
		mv "$tmp"/tree/boot/vmlinuz-* "$tmp/tree/vmlinuz" &&
		basename "$tmp"/tree/lib/modules/* >"$tmp/tree/version" &&
		depmod -b "$tmp/tree" "$(cat "$tmp/tree/version")" 2>"$tmp/log" ||
		{ echo "$package could not be unpacked: $(tail -n 1 "$tmp/log")"; return 1; }
	rm -rf "$dir" && mv "$tmp/tree" "$dir" && rm -rf "$tmp"
}

kernel_get() {
	local release=$1 status
	[[ " $kernel_releases " == *" $release "* ]] || { echo "no kernel $release: there are $kernel_releases"; return 1; }
	[ ! -e "$(kernel_dir "$release")/version" ] || return 0
	mkdir -p "$VM_CACHE" || return 1
	(
		flock 9
		[ ! -e "$(kernel_dir "$release")/version" ] || exit 0
		if [ "$release" = 6.1 ]; then
			# The host's lists may be missing, or older than what the mirror has.
			kernel_unpack 6.1 env >/dev/null || { apt-get -q update >/dev/null 2>&1; kernel_unpack 6.1 env; }
		else
			kernel_backports && kernel_unpack "$release" kernel_apt
		fi
	) 9>"$VM_CACHE/lock"
}

# kernel_initramfs RELEASE FILE: busybox, what mounts the root, and initramfs_init.sh as /init.
kernel_initramfs() {
	local dir tmp file status
	dir=$(kernel_dir "$1")
	[ -e "$dir/version" ] || return 1
	tmp=$(mktemp -d) && mkdir -p "$tmp"/{bin,dev,proc,sys,lower,disk,root,modules} &&
		cp /bin/busybox "$tmp/bin/" && cp "$vm_home/initramfs_init.sh" "$tmp/init" && chmod +x "$tmp/init" ||
		return 1
	# In their order. Unpacked here, once, since a guest takes long for it.
	modprobe -d "$dir" -S "$(cat "$dir/version")" --show-depends -a virtio_pci virtio_blk ext4 crc32c_generic \
		9pnet_virtio 9p overlay | awk '$1 == "insmod" && !seen[$2]++ { print $2 }' |
		while read -r file; do
			case $file in
			*.xz) xz -dc "$file" >"$tmp/modules/$(basename "$file" .xz)" ;;
			*) cp "$file" "$tmp/modules/" ;;
			esac
			basename "$file" .xz >>"$tmp/modules/order"
		done
	[ -s "$tmp/modules/order" ] &&
		(cd "$tmp" && find . | cpio -o -H newc --quiet | gzip -1) >"$2.new" && mv "$2.new" "$2"
	status=$?
	rm -rf "$tmp"
	return $status
}
