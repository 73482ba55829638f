// Package plot draws line charts as SVG for documents: legible in light and dark, the same bytes for the same data.
package plot

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Point is a point of a series.
type Point struct{ X, Y float64 }

// Series is a line.
type Series struct {
	Name   string
	Points []Point
	// Dashed is for what is computed, beside what was measured.
	Dashed bool
}

// Band marks a span of the X axis.
type Band struct {
	From, To float64
	Label    string
}

// Panel is one chart: axes, lines and bands. Its Y axis begins at 0.
type Panel struct {
	Title  string
	XLabel string
	// X0 and X1 are the ends of the X axis; both 0: those of the points.
	X0, X1 float64
	// LogX has equal distances stand for equal ratios; the points' X must be positive then. LogY likewise.
	LogX, LogY bool
	Series     []Series
	Bands      []Band
}

// Measures of a drawing, in pixels.
const (
	width   = 760
	height  = 230 // of a panel's plot
	left    = 64
	right   = 36
	top     = 46 // above a plot: title and legend
	bottom  = 44 // below it: numbers and label
	letters = 6.6
)

const style = `<style>
text{font:12px system-ui,-apple-system,"Segoe UI",sans-serif;fill:#24292f}
.title{font-weight:600;font-size:13px}
.bg{fill:#ffffff}.grid{stroke:#d8dee4;stroke-width:1}.band{fill:#d8dee4;fill-opacity:.55}
.l{fill:none;stroke-width:2;stroke-linejoin:round}.d{stroke-dasharray:6 4}
.c0{stroke:#0969da}.c1{stroke:#bc4c00}.c2{stroke:#1a7f37}.c3{stroke:#8250df}.c4{stroke:#bf3989}
@media (prefers-color-scheme:dark){
text{fill:#e6edf3}.bg{fill:#0d1117}.grid{stroke:#30363d}.band{fill:#484f58}
.c0{stroke:#58a6ff}.c1{stroke:#f0883e}.c2{stroke:#3fb950}.c3{stroke:#bc8cff}.c4{stroke:#f778ba}
}</style>
`

// SVG draws panels below each other. What is it of is for who cannot see it.
func SVG(what string, panels ...Panel) []byte {
	var b bytes.Buffer
	all := len(panels) * (top + height + bottom)
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" role="img" aria-label="%s">`+"\n",
		width, all, width, all, escape(what))
	b.WriteString(style)
	fmt.Fprintf(&b, `<rect class="bg" width="%d" height="%d"/>`+"\n", width, all)
	for i, p := range panels {
		fmt.Fprintf(&b, `<g transform="translate(0,%d)">`+"\n", i*(top+height+bottom))
		p.draw(&b)
		b.WriteString("</g>\n")
	}
	b.WriteString("</svg>\n")
	return b.Bytes()
}

// axis maps values to pixels.
type axis struct {
	from, to, pixel0, pixel1 float64
	log                      bool
}

func (a axis) at(v float64) float64 {
	from, to := a.from, a.to
	if a.log {
		v, from, to = math.Log10(v), math.Log10(from), math.Log10(to)
	}
	return a.pixel0 + (v-from)/(to-from)*(a.pixel1-a.pixel0)
}

// ticks are about n round values, or the powers of ten.
func (a axis) ticks(n int) (all []float64) {
	if a.log {
		for e := math.Ceil(math.Log10(a.from) - 1e-9); e <= math.Log10(a.to)+1e-9; e++ {
			all = append(all, math.Pow(10, e))
		}
		return all
	}
	step := round((a.to - a.from) / float64(n))
	for v := math.Ceil(a.from/step-1e-9) * step; v <= a.to+step*1e-9; v += step {
		all = append(all, v)
	}
	return all
}

// round is the next of 1, 2, 3, 5 times a power of ten.
func round(v float64) float64 {
	power := math.Pow(10, math.Floor(math.Log10(v)))
	for _, m := range []float64{1, 2, 3, 5} {
		if v <= m*power*(1+1e-9) {
			return m * power
		}
	}
	return 10 * power
}

func (p Panel) draw(b *bytes.Buffer) {
	x, y := p.axes()
	fmt.Fprintf(b, `<text class="title" x="%d" y="16">%s</text>`+"\n", left, escape(p.Title))
	for _, band := range p.Bands {
		x0, x1 := x.at(band.From), x.at(band.To)
		fmt.Fprintf(b, `<rect class="band" x="%.1f" y="%d" width="%.1f" height="%d"/>`+"\n", x0, top, x1-x0, height)
		fmt.Fprintf(b, `<text x="%.1f" y="%d">%s</text>`+"\n", x0+6, top+15, escape(band.Label))
	}
	for _, v := range y.ticks(5) {
		fmt.Fprintf(b, `<line class="grid" x1="%d" x2="%d" y1="%.1f" y2="%.1f"/>`, left, width-right, y.at(v), y.at(v))
		fmt.Fprintf(b, `<text x="%d" y="%.1f" text-anchor="end">%s</text>`+"\n", left-8, y.at(v)+4, number(v))
	}
	for _, v := range x.ticks(10) {
		fmt.Fprintf(b, `<line class="grid" x1="%.1f" x2="%.1f" y1="%d" y2="%d"/>`, x.at(v), x.at(v), top+height, top+height+4)
		fmt.Fprintf(b, `<text x="%.1f" y="%d" text-anchor="middle">%s</text>`+"\n", x.at(v), top+height+18, number(v))
	}
	fmt.Fprintf(b, `<text x="%d" y="%d" text-anchor="end">%s</text>`+"\n", width-right, top+height+36, escape(p.XLabel))
	legend := float64(left)
	for i, s := range p.Series {
		class := fmt.Sprintf("l c%d", i%5)
		if s.Dashed {
			class += " d"
		}
		if len(p.Series) > 1 || s.Name != "" {
			fmt.Fprintf(b, `<path class="%s" d="M%.1f 32h22"/><text x="%.1f" y="36">%s</text>`+"\n", class, legend, legend+28, escape(s.Name))
			legend += 28 + letters*float64(len([]rune(s.Name))) + 22
		}
		var path strings.Builder
		for i, point := range s.Points {
			letter := "L"
			if i == 0 {
				letter = "M"
			}
			fmt.Fprintf(&path, "%s%s %s", letter, pixel(x.at(point.X)), pixel(y.at(point.Y)))
		}
		fmt.Fprintf(b, `<path class="%s" d="%s"/>`+"\n", class, path.String())
	}
}

func (p Panel) axes() (x, y axis) {
	x = axis{p.X0, p.X1, left, width - right, p.LogX}
	y = axis{0, 0, top + height, top, p.LogY}
	lowest := math.Inf(1)
	fixed := p.X0 != p.X1
	if !fixed {
		x.from, x.to = math.Inf(1), math.Inf(-1)
	}
	for _, s := range p.Series {
		for _, point := range s.Points {
			if !fixed {
				x.from, x.to = min(x.from, point.X), max(x.to, point.X)
			}
			y.to = max(y.to, point.Y)
			lowest = min(lowest, point.Y)
		}
	}
	if y.log {
		y.from, y.to = math.Pow(10, math.Floor(math.Log10(lowest))), math.Pow(10, math.Ceil(math.Log10(y.to)))
		return x, y
	}
	if y.to == 0 {
		y.to = 1
	}
	step := round(y.to / 5)
	y.to = math.Ceil(y.to/step-1e-9) * step
	return x, y
}

func pixel(v float64) string {
	return strconv.FormatFloat(math.Round(v*10)/10, 'f', -1, 64)
}

// number is a number as people read it: 12,000 and 0.5.
func number(v float64) string {
	text := strconv.FormatFloat(math.Round(v*1e6)/1e6+0, 'f', -1, 64) // + 0: no negative zero
	whole, fraction, _ := strings.Cut(text, ".")
	digits := strings.TrimPrefix(whole, "-")
	var out []byte
	for i := range len(digits) {
		if i > 0 && (len(digits)-i)%3 == 0 {
			out = append(out, ',')
		}
		out = append(out, digits[i])
	}
	text = string(out)
	if fraction != "" {
		text += "." + fraction
	}
	if strings.HasPrefix(whole, "-") {
		text = "−" + text
	}
	return text
}

func escape(s string) string {
	var b bytes.Buffer
	_ = xml.EscapeText(&b, []byte(s)) // bytes.Buffer does not fail
	return b.String()
}
