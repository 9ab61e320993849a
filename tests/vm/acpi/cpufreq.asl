// Three speeds for each of two processors, so that the kernel's acpi-cpufreq has something to govern. The register that the driver writes and
// reads back is the scratch register of the second serial port, a byte that the machine merely keeps.
DefinitionBlock ("cpufreq.aml", "SSDT", 2, "VATEST", "CPUFREQ", 0x00000001)
{
    External (\_SB.CPUS.C000, DeviceObj)
    External (\_SB.CPUS.C001, DeviceObj)

    Scope (\_SB)
    {
        // MHz, milliwatts, latencies, what to write, what is read then
        Name (SPDS, Package ()
        {
            Package () { 1500, 4000, 10, 10, 15, 15 },
            Package () { 1000, 3000, 10, 10, 10, 10 },
            Package () { 600, 2000, 10, 10, 6, 6 }
        })
        Name (PORT, Package ()
        {
            ResourceTemplate () { Register (SystemIO, 8, 0, 0x02FF) },
            ResourceTemplate () { Register (SystemIO, 8, 0, 0x02FF) }
        })
    }

    Scope (\_SB.CPUS.C000)
    {
        Method (_PSS, 0, NotSerialized) { Return (\_SB.SPDS) }
        Method (_PCT, 0, NotSerialized) { Return (\_SB.PORT) }
        Name (_PPC, 0)
        Name (_PSD, Package () { Package () { 5, 0, 0, 0xFC, 1 } })
    }

    Scope (\_SB.CPUS.C001)
    {
        Method (_PSS, 0, NotSerialized) { Return (\_SB.SPDS) }
        Method (_PCT, 0, NotSerialized) { Return (\_SB.PORT) }
        Name (_PPC, 0)
        Name (_PSD, Package () { Package () { 5, 0, 1, 0xFC, 1 } })
    }
}
