// Package cost makes the bill of a template: it runs orders through the local stack, takes what that counted (local.Usage), and
// multiplies it with a dated table of prices.
//
// Nothing is estimated where it can be counted. What cannot is an assumption, of which there are few, and every report prints them:
// how long code computes, how long calls of AWS take, how often orders come.
//
// Prices are list prices of one region at the first tier of volume, without free tiers, discounts and taxes. Amounts are exact rational
// numbers until they are printed.
package cost
