// A battery and a mains adapter. What they say is in the scratch register of the third serial port, which the tests write: the charge in
// percent in seven bits, the mains in the eighth.
DefinitionBlock ("battery.aml", "SSDT", 2, "VATEST", "BATTERY", 0x00000001)
{
    Scope (\_SB)
    {
        OperationRegion (CELL, SystemIO, 0x03EF, 1)
        Field (CELL, ByteAcc, NoLock, Preserve) { LEVL, 7, MAIN, 1 }

        Device (BAT0)
        {
            Name (_HID, EisaId ("PNP0C0A"))
            Name (_UID, 1)
            Name (_PCL, Package () { \_SB })
            Method (_STA, 0, NotSerialized) { Return (0x1F) }
            // In mA: 3000 mAh at 3.7 V, a warning at 300, low at 150.
            Name (_BIF, Package () { 1, 3000, 3000, 1, 3700, 300, 150, 30, 30, "Model", "1", "LIP", "Test" })
            Name (STAT, Package () { 0, 500, 0, 0 })
            Method (_BST, 0, Serialized)
            {
                STAT[0] = 1                 // discharging
                If (MAIN) { STAT[0] = 2 }   // charging
                If (MAIN && (LEVL == 100)) { STAT[0] = 0 }
                STAT[2] = LEVL * 30         // mAh left
                STAT[3] = 3000 + LEVL * 12  // mV
                Return (STAT)
            }
        }

        Device (AC0)
        {
            Name (_HID, "ACPI0003")
            Name (_PCL, Package () { \_SB })
            Method (_STA, 0, NotSerialized) { Return (0x0F) }
            Method (_PSR, 0, NotSerialized) { Return (MAIN) }
        }
    }
}
