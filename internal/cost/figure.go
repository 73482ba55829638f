package cost

import (
	"bytes"
	"encoding/xml"
	"fmt"
)

// Measures of the figure, in pixels.
const (
	figureWidth = 900
	labelWidth  = 250
	barHeight   = 22
	rowHeight   = 34
	figureTop   = 74
)

// figureStyle has a color for each of the services that cost most, and one for the rest.
const figureStyle = `<style>
text{font:12px system-ui,-apple-system,"Segoe UI",sans-serif;fill:#24292f}
.title{font-weight:600;font-size:13px}.bg{fill:#ffffff}
.s0{fill:#0969da}.s1{fill:#bc4c00}.s2{fill:#1a7f37}.s3{fill:#8250df}.s4{fill:#bf3989}.s5{fill:#9a6700}.s6{fill:#6e7781}
@media (prefers-color-scheme:dark){
text{fill:#e6edf3}.bg{fill:#0d1117}
.s0{fill:#58a6ff}.s1{fill:#f0883e}.s2{fill:#3fb950}.s3{fill:#bc8cff}.s4{fill:#f778ba}.s5{fill:#d29922}.s6{fill:#8b949e}
}</style>
`

// shown is how many services have a color of their own.
const shown = 6

// SVG draws the comparison: a bar for each alternative, in pieces by service.
func (c *Comparison) SVG() []byte {
	services := c.Services()
	most := 0.0
	for _, a := range c.Alternatives {
		most = max(most, a.Report.PerMillion)
	}
	var b bytes.Buffer
	height := figureTop + rowHeight*len(c.Alternatives) + 10
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" role="img" aria-label="What a million orders cost">`+"\n",
		figureWidth, height, figureWidth, height)
	b.WriteString(figureStyle)
	fmt.Fprintf(&b, `<rect class="bg" width="%d" height="%d"/>`+"\n", figureWidth, height)
	fmt.Fprintf(&b, `<text class="title" x="12" y="22">USD for a million orders, %s, prices as of %s</text>`+"\n", c.Alternatives[0].Report.Region, c.Alternatives[0].Report.PricesAsOf)
	x := 12
	for i, name := range append(services[:min(shown, len(services)):min(shown, len(services))], "everything else") {
		fmt.Fprintf(&b, `<rect class="s%d" x="%d" y="38" width="12" height="12"/><text x="%d" y="48">%s</text>`+"\n", i, x, x+17, escape(name))
		x += 34 + 7*len(name)
	}
	for row, a := range c.Alternatives {
		y := figureTop + row*rowHeight
		fmt.Fprintf(&b, `<text x="%d" y="%d" text-anchor="end">%s</text>`+"\n", labelWidth-8, y+barHeight-7, escape(a.Name))
		at, scale := float64(labelWidth), float64(figureWidth-labelWidth-70)/most
		rest := a.Report.PerMillion
		for i, service := range services[:min(shown, len(services))] {
			usd := a.Report.cost(service)
			rest -= usd
			at = piece(&b, i, at, y, usd*scale, service, usd)
		}
		at = piece(&b, shown, at, y, max(0, rest)*scale, "everything else", rest)
		fmt.Fprintf(&b, `<text x="%.1f" y="%d">%.2f</text>`+"\n", at+6, y+barHeight-7, a.Report.PerMillion)
	}
	b.WriteString("</svg>\n")
	return b.Bytes()
}

func piece(b *bytes.Buffer, color int, at float64, y int, width float64, name string, usd float64) float64 {
	if width < 0.05 {
		return at
	}
	fmt.Fprintf(b, `<rect class="s%d" x="%.1f" y="%d" width="%.1f" height="%d"><title>%s %.2f</title></rect>`+"\n", color, at, y, width, barHeight, escape(name), usd)
	return at + width
}

func escape(s string) string {
	var b bytes.Buffer
	_ = xml.EscapeText(&b, []byte(s)) // a buffer takes everything
	return b.String()
}
