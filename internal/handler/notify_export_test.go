package handler

import "encoding/json"

// ReadAndEncode is what notify does besides its calls; it returns the number of events.
func ReadAndEncode(payload []byte) (int, error) {
	changes, err := readChanges(payload)
	if err != nil {
		return 0, err
	}
	n := 0
	for i := range changes {
		if c := &changes[i]; c.isEvent() {
			if _, err := c.message(); err != nil {
				return n, err
			}
			n++
		}
	}
	return n, nil
}

// FirstImage returns what notify makes of the first record: whether it is an event, and the attributes
// that it reads, by name.
func FirstImage(payload []byte) (isEvent bool, attributes map[string]string, err error) {
	changes, err := readChanges(payload)
	if err != nil {
		return false, nil, err
	}
	c := &changes[0]
	i := c.after
	attributes = map[string]string{
		"status": i.status, "tenant": i.tenant, "orderId": i.orderID, "sequence": i.sequence, "updatedAt": i.updatedAt,
		"reason": i.reason, "detail": i.detail,
	}
	if m, err := c.message(); c.isEvent() && err == nil && !json.Valid(m.JSON) {
		panic("an event that is no JSON")
	}
	return c.isEvent(), attributes, nil
}
