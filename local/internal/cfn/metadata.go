package cfn

// CDKPath is the path of the construct that a resource was made by, as the CDK notes
// it in the template; "" if it was told not to.
func (t *Template) CDKPath(logicalID string) string {
	m, _ := t.resources[logicalID].Metadata.(map[string]any)
	path, _ := m["aws:cdk:path"].(string)
	return path
}
