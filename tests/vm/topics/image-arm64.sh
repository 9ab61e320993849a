# machine: image-arm64
# order: 91
# limit: 300
# devices: sound
# host: image-arm64.host
# The appliance's image for a Raspberry Pi: its kernel, initial RAM disk, command line and root on an emulated arm64 board. Not its firmware.

. /mnt/host/topics/image.part

same "the machine" "$(uname -m) $(dpkg --print-architecture)" "aarch64 arm64"
expect "the boot partition is where its package fills it" mountpoint /boot/firmware
read -r line </boot/firmware/cmdline.txt
same "the kernel has its command line" "$(cat /proc/cmdline)" "$line console=ttyAMA0"
