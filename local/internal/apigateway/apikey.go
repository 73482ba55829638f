package apigateway

import (
	"cmp"
	"fmt"
	"hash/fnv"
	"slices"
	"strings"
	"time"

	"github.com/orderflow-cdk/orderflow/local/internal/cfn"
)

// apiKey is an ApiKey resource with the plans that it is in.
type apiKey struct {
	id, name, value string
	enabled         bool
	plans           []*planKey
}

// planKey is one key's share of a usage plan: limits are per key.
type planKey struct {
	stages  map[string]map[string]*throttleProps // stage name → "/path/METHOD" → throttle
	overall *bucket
	methods map[string]*bucket
	quota   *quotaProps
	used    int64
	period  int64
}

func (b *builder) buildKeys() {
	byID := map[string]*apiKey{}
	for _, r := range b.keys {
		k := &apiKey{id: r.ID, name: r.Props.Name, value: r.Props.Value, enabled: bool(r.Props.Enabled)}
		if k.value == "" {
			k.value = generatedKey(r.ID)
		}
		if len(k.value) < 20 {
			b.Errorf(r.ID, r.Type, "Value must have at least 20 characters")
		}
		if _, dup := b.api.keys[k.value]; dup {
			b.Errorf(r.ID, r.Type, "another ApiKey has the same Value")
		}
		byID[r.ID] = k
		b.api.keys[k.value] = k
	}
	plans := map[string]usagePlanProps{}
	for _, r := range b.usagePlans {
		for _, s := range r.Props.ApiStages {
			if s.ApiId == b.api.id && b.api.stages[s.Stage] == nil {
				b.Errorf(r.ID, r.Type, "ApiStages: the API has no stage %q", s.Stage)
			}
		}
		if q := r.Props.Quota; q != nil {
			if q.Period != "DAY" && q.Period != "WEEK" && q.Period != "MONTH" {
				b.Errorf(r.ID, r.Type, "Quota.Period must be DAY, WEEK or MONTH, got %q", q.Period)
			}
			if q.Limit < 1 {
				b.Errorf(r.ID, r.Type, "Quota.Limit must be at least 1, got %d", q.Limit)
			}
		}
		plans[r.ID] = r.Props
	}
	slices.SortFunc(b.usagePlanKeys, func(x, y cfn.Typed[usagePlanKeyProps]) int { return cmp.Compare(x.ID, y.ID) })
	for _, r := range b.usagePlanKeys {
		key, plan := byID[r.Props.KeyId], r.Props.UsagePlanId
		p, ok := plans[plan]
		if key == nil {
			b.Errorf(r.ID, r.Type, "KeyId %q is no ApiKey of this template", r.Props.KeyId)
		}
		if !ok {
			b.Errorf(r.ID, r.Type, "UsagePlanId %q is no UsagePlan of this template", plan)
		}
		if r.Props.KeyType != "API_KEY" {
			b.Errorf(r.ID, r.Type, "KeyType must be API_KEY, got %q", r.Props.KeyType)
		}
		if key != nil && ok {
			key.plans = append(key.plans, b.planKey(p))
		}
	}
}

func (b *builder) planKey(p usagePlanProps) *planKey {
	pk := &planKey{stages: map[string]map[string]*throttleProps{}, methods: map[string]*bucket{}, quota: p.Quota, period: -1}
	if p.Throttle != nil {
		pk.overall = throttleBucket(p.Throttle)
	}
	for _, s := range p.ApiStages {
		if s.ApiId != b.api.id {
			continue
		}
		limits := map[string]*throttleProps{}
		for name, t := range s.Throttle {
			limits[name] = &t
		}
		pk.stages[s.Stage] = limits
	}
	return pk
}

func throttleBucket(t *throttleProps) *bucket {
	b := newBucket(accountRate, accountBurst)
	if t.RateLimit != nil {
		b.rate = float64(*t.RateLimit)
	}
	if t.BurstLimit != nil {
		b.burst, b.tokens = float64(*t.BurstLimit), float64(*t.BurstLimit)
	}
	return &b
}

// generatedKey is the value of a key that the template leaves to API Gateway:
// a function of the logical id, so that a run can be repeated.
func generatedKey(id string) string {
	h := fnv.New128a()
	h.Write([]byte(id))
	return fmt.Sprintf("key%x%x", h.Sum(nil), len(id))
}

// KeyValue returns the value of the API key of a logical id, and false if
// there is none.
func (a *API) KeyValue(logicalID string) (string, bool) {
	for _, k := range a.keys {
		if k.id == logicalID {
			return k.value, true
		}
	}
	return "", false
}

// methodBucket is the plan's own throttle of one method, or nil.
func (p *planKey) methodBucket(stage string, m *method) *bucket {
	limits := p.stages[stage]
	if len(limits) == 0 {
		return nil
	}
	name := m.node.path + "/" + m.httpMethod
	id := stage + name
	if b, ok := p.methods[id]; ok {
		return b
	}
	t := limits[name]
	if t == nil {
		t = limits[strings.TrimPrefix(name, "/")]
	}
	var b *bucket
	if t != nil {
		b = throttleBucket(t)
	}
	p.methods[id] = b
	return b
}

// overQuota counts a request in the quota's current period and tells whether
// it is one too many.
func (p *planKey) overQuota(now time.Time) bool {
	if p.quota == nil {
		return false
	}
	if n := periodOf(now, p.quota.Period); n != p.period {
		p.used = 0
		if p.period < 0 {
			p.used = int64(p.quota.Offset) // counts in the first period only
		}
		p.period = n
	}
	if p.used >= int64(p.quota.Limit) {
		return true
	}
	p.used++
	return false
}

// periodOf numbers the quota periods: UTC days, weeks from Sunday, months.
func periodOf(t time.Time, period string) int64 {
	day := t.Unix() / 86400
	switch period {
	case "WEEK":
		return (day + 4) / 7 // 1970-01-01 was a Thursday
	case "MONTH":
		return int64(t.Year())*12 + int64(t.Month())
	}
	return day
}
