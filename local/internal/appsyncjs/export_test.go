package appsyncjs

// UtilityNames are the names of all utilities, those that are refused included.
func UtilityNames() []string {
	names := sortedKeys(utilities)
	return append(names, sortedKeys(refusedUtilities)...)
}
