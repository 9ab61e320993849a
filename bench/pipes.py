"""Which pipes of a processor execute an instruction, for bench/arm64.py.

Cortex-A72: LLVM's model of the A57, its predecessor with the same pipes (AArch64SchedA57.td, after Arm's optimisation guide), which LLVM uses
for the A72 too. Cortex-A76: LLVM's model of the Neoverse N1, the same core for servers (AArch64SchedNeoverseN1.td, likewise). Zen 4, for the
check only: four vector pipes, of which two each take products, float additions, integer products and permutations. Latencies are not
modelled: the kernels keep enough sums going.
"""
import re
from dataclasses import dataclass, field
from functools import lru_cache


@dataclass
class Machine:
    name: str
    title: str
    hz: float
    width: int  # instructions decoded in a cycle
    memory: float  # bytes a second that one core can read
    products: float  # of int8 in a cycle
    groups: dict = field(repr=False)  # a name -> the pipes, any of which will do


def groups(text):
    return {name: tuple(pipes.split("+")) for name, pipes in (entry.split("=") for entry in text.split())}


MACHINES = {
    # STREAM's copy on one core: 5.5 GB/s read and written, add and triad 4.8 (sci-pi.org.uk/bench/stream.html).
    "a72": Machine("a72", "Raspberry Pi 4 (A72, 1.8 GHz)", 1.8e9, 3, 4.8e9, 8, groups("F0=F0 F1=F1 V=F0+F1 L=L S=S B=B I=I0+I1 M=M")),
    # tinymembench's scan by 64 bits on one core: 9.1 GB/s, 9.4 with 4 GB of memory (github.com/raspberrypi/firmware, issue 1876).
    "a76": Machine("a76", "Raspberry Pi 5 (A76, 2.4 GHz)", 2.4e9, 4, 9.1e9, 32, groups("V0=V0 V1=V1 V=V0+V1 L=L0+L1 B=B I=I0+I1+M M=M")),
    "zen": Machine("zen", "this machine", 0.0, 6, 0.0, 32, groups("FM=P0+P1 FA=P2+P3 IM=P0+P3 SH=P1+P2 V=P0+P1+P2+P3 L=L0+L1 S=S B=B0+B1 I=I0+I1+I2+I3")),
}


# (what the mnemonic and operands match, needs on the A72, needs on the A76): the first match counts.
ARM = [(re.compile(pattern), a72, a76) for pattern, a72, a76 in [
    (r"(b|b\..*|cbn?z|tbn?z|br|ret) ", "B", "B"),
    (r"blr? ", "B I", "B I"),
    (r"ld1r ", "L V", "L V"),
    (r"(ldp|ldnp) q", "L L", "L L"),
    (r"ld1 \{[^}]*, [^}]*, [^}]*, ", "L L L L", "L L L L"),
    (r"ld1 \{[^}]*[-,]", "L L", "L L"),
    (r"ld", "L", "L"),
    (r"prfm ", "L", "L"),
    (r"stp q", "S S S S", "L L V V"),
    (r"(str|stur|st1) (q|\{v)", "S S", "L V"),
    (r"st", "S", "L"),
    (r"[su]ml[as]l2? v|[su]mull2? v", "F0", "V0"),
    (r"(mul|mla|mls) v", "F0 F0", "V0 V0"),
    (r"[us]dot ", "V", "V"),
    (r"[su]adalp |[su]r?sra |[su]abal", "F1", "V1"),
    (r"(sq|uq)\w*xtu?n|(sq)?r?shrn", "F1", "V1"),
    (r"[su]?q?shl|[su]shr|s[lr]i v|[su]xtl", "F1", "V1"),
    (r"fcvt[ln]2? v\d+\.(4s|4h|8h), ", "V V V", "V0 V0"),
    (r"fcvt[ln]2? ", "V V V", "V0"),
    (r"(fcvt\w*|[su]cvtf|frint\w) v\d+\.(4s|2d)", "V V", "V0 V0"),
    (r"(fcvt\w*|[su]cvtf|frint\w) ", "V", "V0"),
    (r"(fdiv|fsqrt) v", " ".join(["F0"] * 34), " ".join(["V0"] * 7)),
    (r"(fdiv|fsqrt) ", " ".join(["F0"] * 17), " ".join(["V0"] * 7)),
    (r"f(maxnm|minnm|max|min)v ", "V V V", "V V V"),
    (r"faddp v", "V V V", "V V"),
    (r"f\w+ v\d+\.(4s|2d)", "V V", "V"),
    (r"dup v\d+\.\w+, [wx]|ins? .*, [wx]\d|fmov [sd]\d+, [wx]|mov v.*, [wx]\d", "L V", "M"),
    (r"(umov|smov) |fmov [wx]|mov [wx]\d+, v", "I L", "V1"),
    (r"(zip|uzp|trn)[12] |tbl ", "V V V", "V"),
    (r"f|\w+ [vqds]\d", "V", "V"),
    (r"(mul|madd|msub|smull|umull|smulh|umulh|mneg|smaddl|umaddl) ", "M", "M"),
    (r"[su]div ", " ".join(["M"] * 12), " ".join(["M"] * 8)),
    (r"(nop|udf|hint) ?", "", ""),
    (r"", "I", "I"),
]]

# AT&T operands, the destination last. Reading memory is added to what the rest needs.
X86 = [(re.compile(pattern), zen) for pattern, zen in [
    (r"(j|call|ret|bnd)", "B"),
    (r"v?(fn?m)(add|sub)\d+[ps][sd]|v?mul[ps][sd]|v?(max|min|cmp\w*)[ps][sd]", "FM"),
    (r"v?(pmadd\w+|pmul\w+|psadbw)", "IM"),
    (r"v?(add|sub|hadd|round)[ps][sd]|v?cvt\w+", "FA"),
    (r"v?(div|sqrt)[ps][sd]", "FM FM FM FM FM"),
    (r"v?(pbroadcast|broadcast)\w+ [^(]*%|v?(perm\w*|pshuf\w*|shuf\w*|pack\w*|punpck\w*|unpck\w*|pmov[sz]x\w*|extract\w*|insert\w*|pins\w*|pextr\w*|palignr)", "SH"),
    (r"v?(pbroadcast|broadcast)\w+ ", ""),
    (r"v?mov\w*[ps][sd] |v?mov(dq|aps|ups|d |q |nt|lps|hps)\w* .*%[xy]mm", ""),
    (r".*%[xyz]mm", "V"),
    (r"(nop|endbr64|data16|xchg +%ax,%ax)", ""),
    (r"movz?\w* [^,]*\(|lea|mov", "I"),
    (r"", "I"),
]]


def tally(text):
    names = text.split()
    return tuple((name, names.count(name)) for name in sorted(set(names)))


@lru_cache(maxsize=None)
def pipes_of(architecture, mnemonic, operands):
    """((machine, ((group, times) ...)) ...)"""
    text = f"{mnemonic} {operands}".strip() + (" " if not operands else "")
    if architecture == "arm64":
        for pattern, a72, a76 in ARM:
            if pattern.match(text):
                return ("a72", tally(a72)), ("a76", tally(a76))
    for pattern, zen in X86:
        if pattern.match(text):
            stores = re.search(r",[^(,]*\([^)]*\)$", operands) and not re.match(r"(cmp|test|v?ucomis|bt)", mnemonic)
            if "(" in operands and not mnemonic.startswith(("lea", "nop", "prefetch")):
                zen += " S" if stores else " L"
            return (("zen", tally(zen)),)
    raise AssertionError(text)
