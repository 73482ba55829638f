package egress_test

import (
	"math/rand/v2"
	"net/netip"
	"os/exec"
	"strings"
	"testing"

	"github.com/orderflow-cdk/orderflow/internal/egress"
	"github.com/orderflow-cdk/orderflow/internal/referee"
)

// Python's module ipaddress is the referee: it keeps the registries on its own. It needs
// nothing but python3 (3.9 or later) on the PATH.
func TestPythonAgreesWhatIsPublic(t *testing.T) {
	if testing.Short() {
		t.Skip("starts Python")
	}
	python := referee.Python(t)
	r := rand.New(rand.NewPCG(1, 2))
	var all []netip.Addr
	for range 3000 {
		var b [16]byte
		for i := range b {
			b[i] = byte(r.Uint32())
		}
		all = append(all, netip.AddrFrom4([4]byte(b[:4])), netip.AddrFrom16(b))
		b[0] = 0x20 | b[0]&1 // 2000::/7, where the special blocks are
		all = append(all, netip.AddrFrom16(b))
	}
	// Every /16 of IPv4, and every /16 of IPv6 with something in it.
	for hi := range 1 << 16 {
		a, b := byte(hi>>8), byte(hi)
		all = append(all, netip.AddrFrom4([4]byte{a, b, byte(r.Uint32()), byte(r.Uint32())}))
		if hi%16 == 1 {
			all = append(all, netip.AddrFrom16([16]byte{a, b, byte(r.Uint32()), 15: 1}))
		}
	}
	var in strings.Builder
	for _, a := range all {
		in.WriteString(a.String() + "\n")
	}
	cmd := exec.Command(python, "-c", "import sys,ipaddress\nfor l in sys.stdin: print(int(ipaddress.ip_address(l.strip()).is_global))")
	cmd.Stdin = strings.NewReader(in.String())
	out := referee.Run(t, cmd)
	answers := strings.Fields(string(out))
	if len(answers) != len(all) {
		t.Fatalf("%d answers to %d questions", len(answers), len(all))
	}
	// Where we refuse more than Python: multicast and what is not given out, which it calls
	// global; blocks that it learnt of later, or that are globally reachable and still nobody's.
	stricter := []netip.Prefix{
		netip.MustParsePrefix("224.0.0.0/4"), netip.MustParsePrefix("192.0.0.0/24"), netip.MustParsePrefix("192.88.99.0/24"),
		netip.MustParsePrefix("192.31.196.0/24"), netip.MustParsePrefix("192.52.193.0/24"), netip.MustParsePrefix("192.175.48.0/24"),
		netip.MustParsePrefix("2001::/23"), netip.MustParsePrefix("2002::/16"), netip.MustParsePrefix("2620:4f:8000::/48"), netip.MustParsePrefix("3fff::/20"),
	}
	unicast := netip.MustParsePrefix("2000::/3")
	public := 0
	for i, a := range all {
		ours, why := egress.Public(a)
		python := answers[i] == "1"
		switch {
		case ours:
			public++
			if !python {
				t.Errorf("%s is public to us and not to Python", a)
			}
		case python:
			excused := a.Is6() && !unicast.Contains(a)
			for _, p := range stricter {
				excused = excused || p.Contains(a)
			}
			if !excused {
				t.Errorf("%s is public to Python and not to us: %s", a, why)
			}
		}
	}
	t.Logf("%d addresses, %d of them public", len(all), public)
}
