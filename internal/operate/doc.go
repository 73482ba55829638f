// Package operate is what somebody on call does to a deployed stack: look at its dead letters and move them
// back, tell events again that a channel missed, and have orders go on that got stuck. It talks to AWS, or to a
// local stack that is served, and knows of the stack what its outputs and resources say.
//
// Looking changes nothing that anybody else sees for long; what it changes can be done twice. Whoever is interrupted
// between two steps leaves something done twice, never something lost: copies are made before originals go.
package operate
