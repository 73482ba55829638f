package diff

import (
	"regexp"
	"slices"
	"strings"
)

// What is told in one line, in this order.
const (
	foldedAssets   = "Other code or files, same settings"
	foldedVersions = "Another version or deployment of what changed"
	foldedGroups   = "Policies that are grouped differently and allow the same"
)

// masked is an asset's hash in a committed template, and hashed in a synthesized one.
var hashed = regexp.MustCompile(`\b(?:[0-9a-f]{64}|ASSET)\b`)

// assets folds changes that are nothing but another hash of an asset.
func (d *stackDiff) assets() {
	for _, id := range d.new.ids() {
		for _, c := range d.changes[id] {
			if assetOnly(c.old, c.new) || strings.HasPrefix(strings.Join(c.path, "."), "Metadata.aws:asset:") {
				c.told = true
				d.fold(foldedAssets, d.new.name(id))
			}
		}
	}
}

// assetOnly reports whether two values differ in the hashes of assets alone.
func assetOnly(old, new any) bool {
	o, ok := stringOf(old)
	if !ok {
		return false
	}
	n, ok := stringOf(new)
	return ok && hashed.MatchString(o) && hashed.ReplaceAllString(o, "ASSET") == hashed.ReplaceAllString(n, "ASSET")
}

func stringOf(v any) (string, bool) {
	if s, ok := v.(string); ok {
		return s, true
	}
	return flat(v)
}

// churned is how what churns is called: by what it belongs to.
func churned(t *template, r *resource) string {
	name := ""
	references(r.properties[churning[r.kind]], func(id, _ string) { name = t.name(id) })
	if name == "" {
		return stem(r.id)
	}
	return name
}

// foldedLines are the lines of what is folded.
func foldedLines(folded map[string][]string) []string {
	var lines []string
	for _, what := range []string{foldedAssets, foldedVersions, foldedGroups} {
		names := slices.Clone(folded[what])
		if len(names) == 0 {
			continue
		}
		slices.Sort(names)
		lines = append(lines, what+": "+strings.Join(slices.Compact(names), ", "))
	}
	return lines
}
