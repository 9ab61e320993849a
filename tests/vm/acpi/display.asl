// A panel with a brightness, at the display in PCI slot 9: the kernel makes /sys/class/backlight/acpi_video0 of it, in eleven steps.
DefinitionBlock ("display.aml", "SSDT", 2, "VATEST", "DISPLAY", 0x00000001)
{
    External (\_SB.PCI0.S48, DeviceObj)

    Scope (\_SB.PCI0.S48)
    {
        Name (LEVL, 80)
        Method (_DOS, 1, NotSerialized) { }
        Method (_DOD, 0, NotSerialized) { Return (Package () { 0x80010400 }) }

        Device (LCD)
        {
            Name (_ADR, 0x0400)
            // The first two are the levels on mains and on the battery.
            Method (_BCL, 0, NotSerialized) { Return (Package () { 100, 50, 0, 10, 20, 30, 40, 50, 60, 70, 80, 90, 100 }) }
            Method (_BCM, 1, NotSerialized) { LEVL = Arg0 }
            Method (_BQC, 0, NotSerialized) { Return (LEVL) }
        }
    }
}
