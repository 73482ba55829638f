package awstest

import (
	"fmt"
	"slices"
	"strings"
)

// query answers a Query of one partition, with or without a prefix of the sort key.
func (s *Server) query(body []byte) any {
	w := decode[struct {
		write
		KeyConditionExpression string
		ExclusiveStartKey      Item
	}](body)
	prefix := ""
	switch w.KeyConditionExpression {
	case "pk = :pk":
	case "pk = :pk AND begins_with(sk, :prefix)":
		prefix = Text(Item{"v": w.value(":prefix")}, "v")
	default:
		panic(fmt.Sprintf("awstest: key condition %q", w.KeyConditionExpression))
	}
	partition := w.TableName + "/" + Text(Item{"v": w.value(":pk")}, "v") + "/"
	from := ""
	if w.ExclusiveStartKey != nil {
		from = w.path(w.ExclusiveStartKey)
	}
	var paths []string
	for path := range s.Items {
		if strings.HasPrefix(path, partition+prefix) && path > from {
			paths = append(paths, path)
		}
	}
	slices.Sort(paths)
	out := map[string]any{}
	if s.PageSize > 0 && len(paths) > s.PageSize {
		paths = paths[:s.PageSize]
		last := s.Items[paths[len(paths)-1]]
		out["LastEvaluatedKey"] = Item{"pk": last["pk"], "sk": last["sk"]}
	}
	items := []Item{}
	for _, path := range paths {
		items = append(items, s.Items[path])
	}
	out["Items"], out["Count"] = items, len(items)
	return out
}

// batchGet answers a BatchGetItem; of a page, what goes beyond is left unprocessed.
func (s *Server) batchGet(body []byte) any {
	in := decode[struct {
		RequestItems map[string]struct{ Keys []Item }
	}](body)
	responses, unprocessed := map[string][]Item{}, map[string]any{}
	for table, ask := range in.RequestItems {
		responses[table] = []Item{}
		for i, key := range ask.Keys {
			if s.PageSize > 0 && i == s.PageSize {
				unprocessed[table] = map[string]any{"Keys": ask.Keys[i:], "ConsistentRead": true}
				break
			}
			if it, ok := s.Items[write{TableName: table}.path(key)]; ok {
				responses[table] = append(responses[table], it)
			}
		}
	}
	return map[string]any{"Responses": responses, "UnprocessedKeys": unprocessed}
}
