// Command fetch is the Lambda function that copies a document from its source.
package main

import "example.com/documents/document"

func main() { document.Serve(document.NewFetch) }
