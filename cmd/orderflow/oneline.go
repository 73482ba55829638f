package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// maxReasons is how many errors of those that are joined are told.
const maxReasons = 5

// oneLine is an error as one line, also where it joins several.
func oneLine(err error) string {
	reasons := strings.Split(err.Error(), "\n")
	if more := len(reasons) - maxReasons; more > 0 {
		reasons = append(reasons[:maxReasons], fmt.Sprintf("and %d more", more))
	}
	return strings.Join(reasons, "; ")
}

// templateError is the error of a stack's template with what to do about it. What the runner does not know comes first: other
// errors often follow from it.
func templateError(err error) error {
	const unknown = "not simulated"
	reasons := strings.Split(err.Error(), "\n")
	if !strings.Contains(err.Error(), unknown) {
		return err
	}
	rank := func(s string) int {
		if strings.Contains(s, unknown) {
			return 0
		}
		return 1
	}
	slices.SortStableFunc(reasons, func(a, b string) int { return cmp.Compare(rank(a), rank(b)) })
	if more := len(reasons) - 3; more > 0 {
		reasons = append(reasons[:3], fmt.Sprintf("and %d more", more))
	}
	return fmt.Errorf("%s; go doc github.com/orderflow-cdk/orderflow/local tells what is simulated, a newer orderflow may know more", strings.Join(reasons, "; "))
}
