package order_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/orderflow-cdk/orderflow/internal/order"
)

// compiled is the schema as a validator reads it: draft 4, from its own JSON text.
func compiled(t testing.TB) *jsonschema.Schema {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(order.SchemaJSON()))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("order.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("order.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

const valid = `{"currency":"EUR","items":[{"sku":"KB-1001","quantity":2,"unitPrice":4990}],` +
	`"payment":{"method":"card","token":"tok_visa"},` +
	`"shipTo":{"name":"Zoë","line1":"1 rue","city":"Lyon","postalCode":"69001","country":"FR"},"notes":"ring twice"}`

// with replaces one piece of the valid body.
func with(old, new string) string {
	if strings.Count(valid, old) != 1 {
		panic(fmt.Sprintf("%q is not once in the body", old))
	}
	return strings.Replace(valid, old, new, 1)
}

func items(n int) string {
	const item = `{"sku":"KB-1001","quantity":2,"unitPrice":4990}`
	return with("["+item+"]", "["+strings.Join(slices.Repeat([]string{item}, n), ",")+"]")
}

// bodies is the corpus: what is judged, and which fields are wrong with it.
var bodies = []struct {
	name, body string
	fields     []string // JSON pointers of the problems; nil: valid
}{
	{"valid", valid, nil},
	{"white space", " \n\t" + valid + "\r\n", nil},
	{"no notes", with(`,"notes":"ring twice"`, ``), nil},
	{"empty notes", with(`"ring twice"`, `""`), nil},
	{"null notes", with(`"ring twice"`, `null`), []string{"/notes"}},
	{"numeric notes", with(`"ring twice"`, `7`), []string{"/notes"}},
	{"unicode notes", with(`ring twice`, `🦄 \u0000 \ud83e\udd84 ﷽ $util #set($x=1) &Action=DeleteQueue`), nil},
	{"half a surrogate", with(`ring twice`, `\ud83e`), nil},
	{"longest notes", with(`ring twice`, strings.Repeat("n", order.MaxNotes)), nil},
	{"too long notes", with(`ring twice`, strings.Repeat("n", order.MaxNotes+1)), []string{"/notes"}},
	{"body of 250 KB", with(`ring twice`, strings.Repeat("n", 250_000)), nil},
	{"all address fields", with(`"city"`, `"line2":"b","region":"ARA","city"`), nil},
	{"empty line2", with(`"city"`, `"line2":"","city"`), []string{"/shipTo/line2"}},
	{"null region", with(`"city"`, `"region":null,"city"`), []string{"/shipTo/region"}},
	{"name of 200 characters of 4 bytes", with(`Zoë`, strings.Repeat("🦄", 200)), nil},
	{"name of 200 escaped characters", with(`Zoë`, strings.Repeat(`\ud83e\udd84`, 200)), nil},
	{"name of 201 characters", with(`Zoë`, strings.Repeat("🦄", 201)), []string{"/shipTo/name"}},
	{"empty name", with(`Zoë`, ``), []string{"/shipTo/name"}},
	{"postal code too long", with(`69001`, strings.Repeat("9", 21)), []string{"/shipTo/postalCode"}},
	{"lower-case country", with(`"FR"`, `"fr"`), []string{"/shipTo/country"}},
	{"country that is none", with(`"FR"`, `"XX"`), []string{"/shipTo/country"}},
	{"country with a newline", with(`"FR"`, `"FR\n"`), []string{"/shipTo/country"}},
	{"currency that has gone", with(`"EUR"`, `"DEM"`), []string{"/currency"}},
	{"currency for tests", with(`"EUR"`, `"XTS"`), []string{"/currency"}},
	{"currency in lower case", with(`"EUR"`, `"eur"`), []string{"/currency"}},
	{"currency as a list", with(`"EUR"`, `["EUR"]`), []string{"/currency"}},
	{"yen", with(`"EUR"`, `"JPY"`), nil},
	{"field of another case", with(`"currency"`, `"Currency"`), []string{"/Currency", "/currency"}},
	{"unknown field", with(`"currency"`, `"coupon":1,"currency"`), []string{"/coupon"}},
	{"unknown field with a slash", with(`"currency"`, `"a/b~c":1,"currency"`), []string{"/a~1b~0c"}},
	{"unknown field of an item", with(`"sku"`, `"colour":"red","sku"`), []string{"/items/0/colour"}},
	{"unknown field of the payment", with(`"method"`, `"cvv":"1","method"`), []string{"/payment/cvv"}},
	{"unknown field of the address", with(`"city"`, `"planet":"earth","city"`), []string{"/shipTo/planet"}},
	{"no items", with(`[{"sku":"KB-1001","quantity":2,"unitPrice":4990}]`, `[]`), []string{"/items"}},
	{"items is null", with(`[{"sku":"KB-1001","quantity":2,"unitPrice":4990}]`, `null`), []string{"/items"}},
	{"item is a string", with(`{"sku":"KB-1001","quantity":2,"unitPrice":4990}`, `"KB"`), []string{"/items/0"}},
	{"100 items", items(100), nil},
	{"101 items", items(101), []string{"/items"}},
	{"quantity 1", with(`"quantity":2`, `"quantity":1`), nil},
	{"quantity 0", with(`"quantity":2`, `"quantity":0`), []string{"/items/0/quantity"}},
	{"quantity -0", with(`"quantity":2`, `"quantity":-0`), []string{"/items/0/quantity"}},
	{"quantity -1", with(`"quantity":2`, `"quantity":-1`), []string{"/items/0/quantity"}},
	{"quantity 1000", with(`"quantity":2`, `"quantity":1000`), nil},
	{"quantity 1001", with(`"quantity":2`, `"quantity":1001`), []string{"/items/0/quantity"}},
	{"quantity 2.0", with(`"quantity":2`, `"quantity":2.0`), nil},
	{"quantity 2.5", with(`"quantity":2`, `"quantity":2.5`), []string{"/items/0/quantity"}},
	{"quantity 20e-1", with(`"quantity":2`, `"quantity":20e-1`), nil},
	{"quantity 25e-1", with(`"quantity":2`, `"quantity":25e-1`), []string{"/items/0/quantity"}},
	{"quantity 0.2e+1", with(`"quantity":2`, `"quantity":0.2E+1`), nil},
	{"quantity 1e3", with(`"quantity":2`, `"quantity":1e3`), nil},
	{"quantity 1e300", with(`"quantity":2`, `"quantity":1e300`), []string{"/items/0/quantity"}},
	{"quantity of 25 digits", with(`"quantity":2`, `"quantity":1000000000000000000000000`), []string{"/items/0/quantity"}},
	{"quantity that is nearly 2", with(`"quantity":2`, `"quantity":2.00000000000000000000000001`), []string{"/items/0/quantity"}},
	{"quantity as text", with(`"quantity":2`, `"quantity":"2"`), []string{"/items/0/quantity"}},
	{"quantity true", with(`"quantity":2`, `"quantity":true`), []string{"/items/0/quantity"}},
	{"price 0", with(`4990`, `0`), nil},
	{"price -1", with(`4990`, `-1`), []string{"/items/0/unitPrice"}},
	{"price 10^9", with(`4990`, `1000000000`), nil},
	{"price 10^9+1", with(`4990`, `1000000001`), []string{"/items/0/unitPrice"}},
	{"price with cents", with(`4990`, `49.90`), []string{"/items/0/unitPrice"}},
	{"sku of 64", with(`KB-1001`, strings.Repeat("k", 64)), nil},
	{"sku of 65", with(`KB-1001`, strings.Repeat("k", 65)), []string{"/items/0/sku"}},
	{"empty sku", with(`KB-1001`, ``), []string{"/items/0/sku"}},
	{"sku with a number sign", with(`KB-1001`, `order#1`), []string{"/items/0/sku"}},
	{"sku with a newline", with(`KB-1001`, `KB\n`), []string{"/items/0/sku"}},
	{"sku in two lines", with(`KB-1001`, `KB\nKB`), []string{"/items/0/sku"}},
	{"sku with an umlaut", with(`KB-1001`, `KÄ`), []string{"/items/0/sku"}},
	{"sku that begins with a dot", with(`KB-1001`, `.KB`), []string{"/items/0/sku"}},
	{"sku is a number", with(`"KB-1001"`, `1001`), []string{"/items/0/sku"}},
	{"payment by invoice", with(`"card"`, `"invoice"`), []string{"/payment/method"}},
	{"empty token", with(`tok_visa`, ``), []string{"/payment/token"}},
	{"token of 255", with(`tok_visa`, strings.Repeat("t", 255)), nil},
	{"token of 256", with(`tok_visa`, strings.Repeat("t", 256)), []string{"/payment/token"}},
	{"payment is null", with(`{"method":"card","token":"tok_visa"}`, `null`), []string{"/payment"}},
	{"payment is empty", with(`{"method":"card","token":"tok_visa"}`, `{}`), []string{"/payment/method", "/payment/token"}},
	{"everything missing", `{}`, []string{"/currency", "/items", "/payment", "/shipTo"}},
	{"a list", `[]`, []string{""}},
	{"null", `null`, []string{""}},
	{"a string", `"order"`, []string{""}},
}

func TestParseAgreesWithTheSchema(t *testing.T) {
	schema := compiled(t)
	for _, test := range bodies {
		t.Run(test.name, func(t *testing.T) {
			v, err := jsonschema.UnmarshalJSON(strings.NewReader(test.body))
			if err != nil {
				t.Fatal(err)
			}
			bySchema := schema.Validate(v)
			_, byParse := order.Parse([]byte(test.body))
			if diff := cmp.Diff(test.fields, fieldsOf(t, byParse)); diff != "" {
				t.Errorf("fields with problems (-want +got)\n%s%v", diff, byParse)
			}
			if (bySchema == nil) != (byParse == nil) {
				t.Errorf("schema: %v\nParse: %v", bySchema, byParse)
			}
		})
	}
}

func fieldsOf(t testing.TB, err error) []string {
	if err == nil {
		return nil
	}
	var invalid *order.InvalidOrder
	if !errors.As(err, &invalid) {
		t.Fatalf("error is %T", err)
	}
	var fields []string
	for _, p := range invalid.Problems {
		fields = append(fields, p.Field)
	}
	return fields
}

func FuzzParseAgreesWithTheSchema(f *testing.F) {
	schema := compiled(f)
	for _, b := range bodies {
		if len(b.body) < 1000 {
			f.Add(b.body)
		}
	}
	f.Fuzz(func(t *testing.T, body string) {
		v, err := jsonschema.UnmarshalJSON(strings.NewReader(body))
		_, byParse := order.Parse([]byte(body))
		if err != nil {
			if byParse == nil {
				t.Errorf("Parse accepts what is not JSON: %q (%v)", body, err)
			}
			return
		}
		if strings.ToValidUTF8(body, "") != body || hugeExponent(body) {
			return // the schema library repairs the first, and takes long with the second
		}
		if bySchema := schema.Validate(v); (bySchema == nil) != (byParse == nil) {
			t.Errorf("body: %s\nschema: %v\nParse: %v", body, bySchema, byParse)
		}
	})
}

func hugeExponent(body string) bool {
	i := strings.IndexAny(body, "eE")
	for ; i >= 0 && i+1 < len(body); i++ {
		if (body[i] == 'e' || body[i] == 'E') && strings.ContainsAny(body[i+1:min(i+2, len(body))], "0123456789+-") {
			return true
		}
	}
	return false
}

// Parse must not be drawn into computing a number with a billion digits.
func TestParseHugeExponents(t *testing.T) {
	for _, n := range []string{"1e999999999", "1e-999999999", "-1e99999999999999999999", "0e99999999999999999999"} {
		_, err := order.Parse([]byte(with(`"quantity":2`, `"quantity":`+n)))
		if diff := cmp.Diff([]string{"/items/0/quantity"}, fieldsOf(t, err)); diff != "" {
			t.Errorf("%s (-want +got)\n%s", n, diff)
		}
	}
}

func TestParseRefusesWhatIsNoJSON(t *testing.T) {
	tests := []struct{ name, body, message string }{
		{"nothing", "", "it ends too early"},
		{"half", valid[:40], "it ends too early"},
		{"form", "a=b&Action=DeleteQueue", "not JSON"},
		{"two", valid + valid, "after its end"},
		{"comma", valid + ",", "after its end"},
		{"latin 1", strings.Replace(valid, "ë", "\xeb", 1), "not UTF-8"},
		{"too large", with(`ring twice`, strings.Repeat("🦄", order.MaxBodyBytes/4)), "at most 393216"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := order.Parse([]byte(test.body))
			if err == nil || !strings.Contains(err.Error(), test.message) {
				t.Errorf("error is %v, want one that says %q", err, test.message)
			}
			if diff := cmp.Diff([]string{""}, fieldsOf(t, err)); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func TestParseReportsEverything(t *testing.T) {
	_, err := order.Parse([]byte(`{"currency":"Euro","items":[{"sku":"A B","quantity":0,"unitPrice":1.5},{"sku":"OK"}],
		"payment":{"method":"cash"},"shipTo":{"name":"","line1":"x","city":"y","postalCode":"z","country":"UK"},"tip":1}`))
	want := []string{
		"/tip", "/currency", "/items/0/sku", "/items/0/quantity", "/items/0/unitPrice",
		"/items/1/quantity", "/items/1/unitPrice", "/payment/method", "/payment/token", "/shipTo/name", "/shipTo/country",
	}
	if diff := cmp.Diff(want, fieldsOf(t, err)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	const text = `/items/0/unitPrice: must be an integer, is a fraction; /items/1/quantity: is missing`
	if !strings.Contains(err.Error(), text) {
		t.Errorf("the message lacks %q:\n%v", text, err)
	}
}

func TestParseBoundsWhatItReports(t *testing.T) {
	var b strings.Builder
	for i := range 20_000 {
		fmt.Fprintf(&b, `"x%d":1,`, i)
	}
	_, err := order.Parse([]byte(with(`"currency"`, b.String()+`"currency"`)))
	if got := len(fieldsOf(t, err)); got != 11 {
		t.Errorf("%d problems, want 10 names and their number", got)
	}
}

func TestParse(t *testing.T) {
	got, err := order.Parse([]byte(with(`"city"`, `"line2":"c/o 🦄","city"`)))
	if err != nil {
		t.Fatal(err)
	}
	want := &order.Order{
		Currency: "EUR",
		Items:    []order.Item{{SKU: "KB-1001", Quantity: 2, UnitPrice: 4990}},
		Payment:  order.Payment{Method: "card", Token: "tok_visa"},
		ShipTo:   order.Address{Name: "Zoë", Line1: "1 rue", Line2: "c/o 🦄", City: "Lyon", PostalCode: "69001", Country: "FR"},
		Notes:    "ring twice",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	want.Notes = ""
	if diff := cmp.Diff(want, got.Compact()); diff != "" {
		t.Errorf("Compact (-want +got)\n%s", diff)
	}
	if got.Notes == "" {
		t.Error("Compact changed the order")
	}
}

func TestLargestTotalIsExact(t *testing.T) {
	o := order.Order{Items: make([]order.Item, order.MaxItems)}
	for i := range o.Items {
		o.Items[i] = order.Item{Quantity: order.MaxQuantity, UnitPrice: order.MaxUnitPrice}
	}
	if got := o.Total(); got != 100_000_000_000_000 || int64(float64(got)) != got || got >= 1<<53 {
		t.Errorf("total is %d", got)
	}
}

func TestSchemaJSONIsStable(t *testing.T) {
	a := order.SchemaJSON()
	order.Schema()["title"] = "changed"
	if b := order.SchemaJSON(); a != b {
		t.Error("two calls differ")
	}
	// API Gateway, "Quotas": a model has at most 400 KB; and CloudFormation's templates are not free either.
	if len(a) > 8<<10 {
		t.Errorf("the schema has %d bytes", len(a))
	}
}

func BenchmarkParse(b *testing.B) {
	body := []byte(valid)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := order.Parse(body); err != nil {
			b.Fatal(err)
		}
	}
}
