package states_test

import (
	"testing"

	"github.com/orderflow-cdk/orderflow/local/internal/states"
)

func TestSagaOfTheBenchmarkSucceeds(t *testing.T) {
	k, s, sm := sagaService(t)
	st := &stack{t: t, k: k, s: s, sm: sm}
	ex := st.run(order)
	st.succeeds(ex, `{}`)
	_ = states.Running
}
