// Command store is the Lambda function that keeps what the converter made.
package main

import "example.com/documents/document"

func main() { document.Serve(document.NewStore) }
