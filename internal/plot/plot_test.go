package plot_test

import (
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/orderflow-cdk/orderflow/internal/plot"
)

func TestADrawingIsXMLWithItsTextsAndNumbers(t *testing.T) {
	svg := plot.SVG("depth <of> the queue",
		plot.Panel{
			Title: "messages & more", XLabel: "minutes",
			Series: []plot.Series{
				{Name: "measured", Points: []plot.Point{{-5, 0}, {0, 0}, {30, 36000}, {40, 0}}},
				{Name: "computed", Dashed: true, Points: []plot.Point{{0, 0}, {30, 36000}}},
			},
			Bands: []plot.Band{{0, 30, "outage"}},
		},
		plot.Panel{Title: "log", LogX: true, LogY: true, Series: []plot.Series{{Points: []plot.Point{{10, 3}, {100_000, 40_000}}}}})
	var texts []string
	for d := xml.NewDecoder(strings.NewReader(string(svg))); ; {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("%v\n%s", err, svg)
		}
		if text, ok := token.(xml.CharData); ok {
			texts = append(texts, string(text))
		}
	}
	all := strings.Join(texts, "|")
	for _, want := range []string{"messages & more", "minutes", "measured", "computed", "outage", "|40,000|", "|−5|", "|100,000|", "|1|"} {
		if !strings.Contains(all, want) {
			t.Errorf("the drawing has no text %q: %s", want, all)
		}
	}
	if n := strings.Count(string(svg), "stroke-dasharray"); n != 1 || strings.Count(string(svg), `l c1 d"`) != 2 {
		t.Error("the computed line is not dashed, with its legend")
	}
	if strings.Contains(all, "−0|") {
		t.Errorf("a negative zero: %s", all)
	}
	if !strings.Contains(string(svg), `d="M64 276`) {
		t.Errorf("the first line does not begin at the axis:\n%s", svg)
	}
}

func TestNothingIsStillADrawing(t *testing.T) {
	svg := string(plot.SVG("flat", plot.Panel{X1: 10, Series: []plot.Series{{Name: "none", Points: []plot.Point{{0, 0}, {10, 0}}}}}))
	if strings.Contains(svg, "NaN") || strings.Contains(svg, "Inf") {
		t.Error(svg)
	}
}
