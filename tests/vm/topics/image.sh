# machine: image
# order: 90
# limit: 120
# devices: sound
# host: image.host
# The appliance's image, from its disk alone: firmware, the boot loader of the disk, kernel, root, assistant.

. /mnt/host/topics/image.part

# What the boot loader says of itself: UTF-16 behind four bytes of attributes.
loader() { cat "/sys/firmware/efi/efivars/$1-4a67b082-0a4c-41cf-b6c7-440b29bb8c4f" | tail --bytes=+5 | tr -d '\0'; }
matches "the firmware started the image's boot loader" "$(loader LoaderInfo)" '^systemd-boot '
same "... from where it looks on any disk" "$(loader LoaderImageIdentifier)" '\EFI\BOOT\BOOTX64.EFI'
same "... on the disk's first partition" "$(loader LoaderDevicePartUUID | tr '[:upper:]' '[:lower:]')" "$(lsblk --noheadings --output PARTUUID /dev/vda1)"
same "... and that took its only entry" "$(loader LoaderEntrySelected)" assistant.conf
same "there is no other disk" "$(lsblk --noheadings --nodeps --output NAME | paste -s)" vda

boot=/run/boot
mkdir -p "$boot"
expect "the boot partition" mount -t vfat -o ro /dev/vda1 "$boot"
same "the kernel has the entry's command line" "$(sed 's/^initrd=[^ ]* //' /proc/cmdline)" "$(sed -n 's/^options //p' "$boot/loader/entries/assistant.conf")"
expect "... and is the root's" cmp "$boot/vmlinuz" "/boot/vmlinuz-$(uname -r)"
umount "$boot"
