package handler

import "github.com/orderflow-cdk/orderflow/internal/publish"

// Events are the events of a batch of the orders table's stream, as notify tells them, in the batch's order. untellable says why others can be told to
// nobody. The error is that of a batch that is none.
func Events(batch []byte) (events []publish.Message, untellable []error, err error) {
	changes, err := readChanges(batch)
	if err != nil {
		return nil, nil, &BadInput{Reason: err.Error()}
	}
	for i := range changes {
		if !changes[i].isEvent() {
			continue
		}
		m, err := changes[i].message()
		if err != nil {
			untellable = append(untellable, err)
			continue
		}
		events = append(events, m)
	}
	return events, untellable, nil
}
