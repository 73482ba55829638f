package msgattr_test

import (
	"strings"
	"testing"

	"github.com/orderflow-cdk/orderflow/local/internal/msgattr"
)

func TestIsNumber(t *testing.T) {
	for _, s := range []string{"0", "-1", "+1", "1.", ".5", "-0.50", "1e3", "1E-126", "2.5e+10", strings.Repeat("9", 38), "000" + strings.Repeat("9", 38)} {
		if !msgattr.IsNumber(s) {
			t.Errorf("%q is a number", s)
		}
	}
	for _, s := range []string{"", "-", ".", "e1", "1e", "1e-", "1e1234", "-+1", "--1", "1-", "1.2.3", "0x1", "١", "NaN", " 1", strings.Repeat("9", 39)} {
		if msgattr.IsNumber(s) {
			t.Errorf("%q is no number", s)
		}
	}
}

func TestIsNameByte(t *testing.T) {
	for c := range 256 {
		want := strings.ContainsRune("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_", rune(c))
		if msgattr.IsNameByte(byte(c)) != want {
			t.Errorf("%q: want %v", rune(c), want)
		}
	}
}
