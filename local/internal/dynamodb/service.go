package dynamodb

import (
	"fmt"
	"slices"
	"time"

	"github.com/orderflow-cdk/orderflow/local/internal/api"
	"github.com/orderflow-cdk/orderflow/local/internal/sim"
)

// Service is DynamoDB in one region of one account.
type Service struct {
	// Created is when the tables were, which is the label of their streams; default the kernel's time.
	Created time.Time

	k               *sim.Kernel
	region, account string
	tables          map[string]*Table
	sorted          []*Table // by name
	cache           cache
	tokens          tokens
	// What follows is reused from call to call. A stream's listener may call the
	// service in the middle of a call, which then finds no free request.
	free    *request
	scratch scratch
	// out is where responses are built; they are copied out of it.
	out []byte
	// text is where records are built, likewise.
	text  []byte
	watch func(key string) // nil: nobody asks for records
}

var _ api.Service = (*Service)(nil)

// NewService returns a service without tables.
func NewService(k *sim.Kernel, region, account string) *Service {
	return &Service{
		k: k, region: region, account: account, Created: k.Now(),
		tables: map[string]*Table{},
		cache: cache{
			conditions:  map[string]*expression{},
			updates:     map[string]*expression{},
			projections: map[string]*expression{},
			names:       map[string]string{},
		},
		tokens: tokens{seen: map[string]*tokenUse{}},
	}
}

// CreateTable makes a table of the given physical name, active at once.
func (s *Service) CreateTable(name string, p TableProperties) (*Table, error) {
	if s.tables[name] != nil {
		return nil, fmt.Errorf("dynamodb: table %q exists", name)
	}
	t, err := newTable(s.k, s.Created, s.region, s.account, name, p)
	if err != nil {
		return nil, fmt.Errorf("dynamodb: table %q: %w", name, err)
	}
	t.s = s
	s.tables[name] = t
	i, _ := slices.BinarySearchFunc(s.sorted, name, func(t *Table, n string) int { return compareText(t.name, n) })
	s.sorted = slices.Insert(s.sorted, i, t)
	return t, nil
}

// Tables lists the tables by name.
func (s *Service) Tables() []*Table { return s.sorted }

// Table returns the table of the given physical name, or nil.
func (s *Service) Table(name string) *Table { return s.tables[name] }

type action struct {
	decode func(*request, *decoder, string) error
	run    func(*Service, *request, []byte) ([]byte, error)
}

var actions = map[string]action{
	"GetItem":            {(*request).itemMember, (*Service).getItem},
	"PutItem":            {(*request).itemMember, (*Service).putItem},
	"UpdateItem":         {(*request).itemMember, (*Service).updateItem},
	"DeleteItem":         {(*request).itemMember, (*Service).deleteItem},
	"Query":              {(*request).itemMember, (*Service).query},
	"Scan":               {(*request).itemMember, (*Service).scan},
	"TransactWriteItems": {(*request).transactMember, (*Service).transactWrite},
	"TransactGetItems":   {(*request).transactMember, (*Service).transactGet},
	"BatchGetItem":       {(*request).batchGetMember, (*Service).batchGet},
	"BatchWriteItem":     {(*request).batchWriteMember, (*Service).batchWrite},
	"DescribeTable":      {(*request).describeMember, (*Service).describeTable},
	"ListTables":         {(*request).describeMember, (*Service).listTables},
}

// Do implements api.Service: it answers in the same event.
func (s *Service) Do(c api.Call, done func([]byte, error)) {
	a, ok := actions[c.Action]
	if !ok {
		if read, is := reads[c.Action]; is {
			done(read(s, c.Input))
			return
		}
		done(nil, api.Errorf("UnknownOperationException", "DynamoDB action %q is not simulated", c.Action))
		return
	}
	done(s.answer(a, c))
}

func (s *Service) answer(a action, c api.Call) ([]byte, error) {
	r := s.free
	s.free = nil
	if r == nil {
		r = new(request)
	}
	*r = request{s: s, action: c.Action, forward: true}
	defer func() {
		*r = request{}
		s.free = r
	}()
	d := decoder{buf: c.Input, names: s.cache.names, scratch: &s.scratch}
	if err := d.object("", func(name string) error { return a.decode(r, &d, name) }); err != nil {
		return nil, err
	}
	if err := d.end(); err != nil {
		return nil, err
	}
	out, err := a.run(s, r, s.out[:0])
	if err != nil {
		return nil, err
	}
	s.out = out
	return slices.Clone(out), nil
}

// cache keeps parsed expressions by their text.
type cache struct {
	conditions, updates, projections map[string]*expression
	names                            map[string]string
}

// maxCached bounds each cache: a program has a fixed set of expressions, and one that
// writes values into their text should not fill the memory.
const maxCached = 2000

func cached(m map[string]*expression, text []byte, parse func(string) *expression) *expression {
	if e, ok := m[string(text)]; ok {
		return e
	}
	if len(m) >= maxCached {
		clear(m)
	}
	s := string(text)
	e := parse(s)
	m[s] = e
	return e
}

func compareText(a, b string) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}
