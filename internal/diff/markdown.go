package diff

import (
	"fmt"
	"io"
	"strings"
)

// headings are those of the levels in a report.
var headings = map[Level]string{
	Critical: "Critical",
	High:     "High",
	Medium:   "Medium",
	Low:      "Low",
	Info:     "For information",
}

// WriteMarkdown writes the report as a comment on a pull request. With a limit above 0 it is no more than so many bytes: the
// least grave findings are left out, and it says how many.
func (r *Report) WriteMarkdown(w io.Writer, limit int) error {
	var out strings.Builder
	fmt.Fprintf(&out, "## %s\n\n", r.headline())
	fmt.Fprintf(&out, "%s → %s, %s\n", code(r.Old), code(r.New), strings.Join(quoteAll(r.Stacks), ", "))
	tail := r.tail()
	level, left := Level(-1), 0
	folded := false
	for i, f := range r.Findings {
		item := ""
		if f.Level != level {
			item = fmt.Sprintf("\n### %s\n\n", headings[f.Level])
			if f.Level <= Low && !folded {
				item = fmt.Sprintf("\n<details><summary>%d more of low weight</summary>\n", len(r.Findings)-i) + item
			}
		}
		item += f.markdown(len(r.Stacks) > 1)
		const reserve = 200 // for what says how many were left out
		if limit > 0 && out.Len()+len(item)+len(tail)+reserve > limit {
			left = len(r.Findings) - i
			break
		}
		folded = folded || f.Level <= Low
		level = f.Level
		out.WriteString(item)
	}
	if folded {
		out.WriteString("\n</details>\n")
	}
	if left > 0 {
		fmt.Fprintf(&out, "\n%d findings more, none graver than the last one here, are left out for length: `orderflow diff` prints them.\n", left)
	}
	out.WriteString(tail)
	_, err := io.WriteString(w, out.String())
	return err
}

// headline is the verdict with its level.
func (r *Report) headline() string {
	if len(r.Findings) == 0 {
		return capital(escape(r.Verdict))
	}
	return headings[r.Level] + ": " + escape(r.Verdict)
}

func capital(s string) string { return strings.ToUpper(s[:1]) + s[1:] }

// tail is what comes after the findings.
func (r *Report) tail() string {
	var out strings.Builder
	if len(r.Costs) > 0 {
		out.WriteString("\n### Cost\n\n")
		for i := range r.Costs {
			out.WriteString(r.Costs[i].markdown())
		}
	}
	if len(r.Folded) > 0 && len(r.Findings) > 0 {
		out.WriteString("\n")
		for _, line := range r.Folded {
			fmt.Fprintf(&out, "- %s\n", escape(line))
		}
	}
	out.WriteString("\n")
	for _, note := range r.Notes {
		fmt.Fprintf(&out, "<sub>Note: %s.</sub><br>\n", escape(note))
	}
	fmt.Fprintf(&out, "<sub>Update behaviour: %s.</sub>\n", escape(r.Specification))
	return out.String()
}

// markdown is a finding as an item of a list.
func (f *Finding) markdown(stacks bool) string {
	var out strings.Builder
	fmt.Fprintf(&out, "- **%s** %s", escape(f.Subject), escape(f.Title))
	var about []string
	if f.Type != "" {
		about = append(about, code(f.Type), code(f.Resource))
		if len(f.Also) > 0 {
			about = append(about, fmt.Sprintf("and %d more", len(f.Also)))
		}
	}
	if stacks {
		about = append(about, escape(strings.Join(f.Stacks, ", ")))
	}
	if len(about) > 0 {
		fmt.Fprintf(&out, " <sub>%s</sub>", strings.Join(about, " "))
	}
	out.WriteString("\n")
	for _, line := range f.Details {
		fmt.Fprintf(&out, "  - %s\n", escape(line))
	}
	if f.Diff != "" {
		fence := "```"
		for strings.Contains(f.Diff, fence) {
			fence += "`"
		}
		fmt.Fprintf(&out, "\n  %sdiff\n", fence)
		for line := range strings.Lines(f.Diff) {
			out.WriteString("  " + strings.TrimSuffix(line, "\n") + "\n")
		}
		fmt.Fprintf(&out, "  %s\n\n", fence)
	}
	return out.String()
}

// escaper has Markdown, HTML and mentions of people mean nothing.
var escaper = strings.NewReplacer("\\", "\\\\", "*", "\\*", "_", "\\_", "`", "\\`", "<", "&lt;", ">", "&gt;", "&", "&amp;",
	"[", "\\[", "]", "\\]", "|", "\\|", "~", "\\~", "#", "\\#", "@", "@\u200b", "\n", " ", "\r", " ")

func escape(s string) string { return escaper.Replace(s) }

// code is a text in the font of code.
func code(s string) string { return "`" + strings.NewReplacer("`", "'", "\n", " ").Replace(s) + "`" }

func quoteAll(list []string) []string {
	out := make([]string, len(list))
	for i, s := range list {
		out[i] = code(s)
	}
	return out
}
