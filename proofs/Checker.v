(* A checker of certificates that computes: the rules of lipverify/certificates/FORMAT.md on rational numbers. That what
   it accepts is true is proved in Checked.v. In words: certificates.md. *)
From Coq Require Import ZArith.
From mathcomp Require Import all_ssreflect.
From Lipverify Require Import Rationals.
Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.

(* Vectors: what is missing at the end is 0. A row (a, c) is the affine function a x + c. *)
Definition vec := seq num.
Definition linrow := (vec * num)%type.
Definition row0 : linrow := ([::], zero).

Fixpoint vadd (x y : vec) : vec :=
  match x, y with [::], _ => y | _, [::] => x | a :: x', b :: y' => add a b :: vadd x' y' end.
Definition vscale c (x : vec) : vec := [seq mul c a | a <- x].
Fixpoint dot (x y : vec) : num := match x, y with a :: x', b :: y' => add (mul a b) (dot x' y') | _, _ => zero end.
Definition radd (r s : linrow) : linrow := (vadd r.1 s.1, add r.2 s.2).
Definition rscale c (r : linrow) : linrow := (vscale c r.1, mul c r.2).
Definition unit_vec j : vec := ncons j zero [:: one].
Definition identity n : seq linrow := [seq (unit_vec j, zero) | j <- iota 0 n].

(* A combination of rows; a layer's pre-activations, W h + b where h are the rows below. *)
Fixpoint combine (w : vec) (rows : seq linrow) : linrow :=
  match w, rows with
  | a :: w', r :: rows' => if is0 a then combine w' rows' else radd (rscale a r) (combine w' rows')
  | _, _ => row0
  end.
Fixpoint affine (W : seq vec) (b : vec) (rows : seq linrow) : seq linrow :=
  if W is w :: W' then (let r := combine w rows in (r.1, add r.2 (head zero b))) :: affine W' (behead b) rows else [::].
Definition mulvec (J : seq vec) (v : vec) : vec := [seq dot r v | r <- J].
Definition transpose n (J : seq vec) : seq vec := [seq [seq nth zero r j | r <- J] | j <- iota 0 n].

(* The network: an output layer, and below it layers with two slopes for each neuron. *)
Inductive network := Last (W : seq vec) (b : vec) | Layer (W : seq vec) (b : vec) (slopes : seq (num * num)) (rest : network).
Fixpoint outputs N : nat := match N with Last W _ => size W | Layer _ _ _ rest => outputs rest end.

(* Signs by the neurons' numbers. A neuron whose slopes are equal is linear: decided from the start, and never a row. *)
Definition signs := seq (option bool).
Definition slope0 := (zero, zero).
Definition linear (p : num * num) : bool := is0 (add p.1 (opp p.2)).
Fixpoint linears N : seq bool :=
  if N is Layer W _ sl rest then [seq linear (nth slope0 sl i) | i <- iota 0 (size W)] ++ linears rest else [::].
Definition root N : signs := [seq if l then Some true else None | l <- linears N].

Section Nodes.
Variable n : nat. (* inputs *)
Definition flat (v : vec) : bool := all is0 (take n v).

(* A layer's signs once its forms are known: constant neurons decide themselves. *)
Fixpoint settle (forms : seq linrow) (nd : signs) : signs :=
  if forms is f :: forms' then
    (if head None nd is Some b then Some b else if flat f.1 then Some (gt0 f.2) else None) :: settle forms' (behead nd)
  else [::].
Fixpoint activated (forms : seq linrow) (sl : seq (num * num)) (nd : signs) : seq linrow :=
  if forms is f :: forms' then
    (let p := head slope0 sl in rscale (if head None nd is Some true then p.2 else p.1) f) ::
      activated forms' (behead sl) (behead nd)
  else [::].

(* A node: the signs, the known forms, and the Jacobian if all is decided. *)
Definition node := (signs * seq linrow * option (seq vec))%type.
Fixpoint open N (nd : signs) (rows : seq linrow) : node :=
  match N with
  | Last W b => (nd, [::], Some [seq f.1 | f <- affine W b rows])
  | Layer W b sl rest =>
      let forms := affine W b rows in
      let here := settle forms nd in
      let above := drop (size W) nd in
      if all isSome here then
        let: (nd', known, J) := open rest above (activated forms sl here) in (here ++ nd', forms ++ known, J)
      else (here ++ above, forms, None)
  end.

(* Domains. The whole space is the polytope without facets. *)
Inductive domain := Polytope (facets : seq linrow) | Box (lower upper : vec) | Ball (centre : vec) (radius : num).
Definition facets (X : domain) : seq linrow :=
  match X with
  | Polytope fs => fs
  | Box lo up => [seq (unit_vec j, opp (nth zero lo j)) | j <- iota 0 n] ++
                 [seq (vscale (opp one) (unit_vec j), nth zero up j) | j <- iota 0 n]
  | Ball _ _ => [::]
  end.
Definition rowat (r : linrow) (x : vec) : num := add (dot r.1 x) r.2.
Definition inside (X : domain) (x : vec) : bool :=
  (size x == n) && match X with
  | Ball c r => let d := vadd x (vscale (opp one) c) in gt0 r && ~~ le (mul r r) (dot d d) && (size c == n)
  | _ => all (fun f => gt0 (rowat f x) || flat f.1 && is0 f.2) (facets X)
  end.
(* A point inside, where the description shows one. *)
Definition middle (X : domain) : vec :=
  match X with
  | Polytope _ => nseq n zero
  | Box lo up => mkseq (fun j => mul (Num 1 2) (add (nth zero lo j) (nth zero up j))) n
  | Ball c _ => c
  end.
Definition seen_open (X : domain) : bool :=
  (if X is Polytope fs then nilp fs else true) && inside X (middle X).

(* REFUTE. *)
Inductive ref := Neuron of nat | Facet of nat.
Definition multipliers := seq (ref * positive).
Section Refute.
Variables (N : network) (X : domain).
Definition signed (nd : signs) (known : seq linrow) (j : ref) : option linrow :=
  match j with
  | Facet i => if i < size (facets X) then Some (nth row0 (facets X) i) else None
  | Neuron i =>
      if (i < size known) && ~~ nth true (linears N) i then
        if nth None nd i is Some b then Some (if b then nth row0 known i else rscale (opp one) (nth row0 known i)) else None
      else None
  end.
Fixpoint total nd known (M : multipliers) : option linrow :=
  if M is (j, m) :: M' then
    match signed nd known j, total nd known M' with
    | Some r, Some t => if flat r.1 then None else Some (radd (rscale (Num (Zpos m) 1) r) t)
    | _, _ => None
    end
  else Some row0.
Definition nowhere_positive (t : linrow) : bool :=
  match X with
  | Ball c r => let a := take n t.1 in let h := add (dot a c) t.2 in
                ge0 (opp h) && le (mul (mul r r) (dot a a)) (mul h h) && (size c == n)
  | _ => flat t.1 && ge0 (opp t.2)
  end.
Definition refute nd known (M : multipliers) : bool :=
  ~~ nilp M && (if total nd known M is Some t then nowhere_positive t else false).

(* A constant neuron with the sign that it has not. *)
Definition wrong (nd : signs) (known : seq linrow) i : bool :=
  (i < size known) && ~~ nth true (linears N) i && flat (nth row0 known i).1 &&
  (nth None nd i == Some (~~ gt0 (nth row0 known i).2)).
Fixpoint contradicted nd known (M : multipliers) : bool :=
  if M is (j, _) :: M' then (if j is Neuron i then wrong nd known i else false) || contradicted nd known M' else false.
End Refute.
End Nodes.

(* Norms, squared, so that all of them are rational. *)
Inductive norm := L1 | L2 | Linf.
Definition sum_abs (x : vec) : num := foldr (fun a s => add (abs a) s) zero x.
Definition max_abs (x : vec) : num := foldr (fun a s => if le (abs a) s then s else abs a) zero x.
Definition square (p : norm) (x : vec) : num :=
  match p with L1 => mul (sum_abs x) (sum_abs x) | L2 => dot x x | Linf => mul (max_abs x) (max_abs x) end.
Definition at_most p (x : vec) (u : num) : bool := ge0 u && le (square p x) (mul u u).
Definition dual p := match p with L1 => Linf | L2 => L2 | Linf => L1 end.
Fixpoint corners k : seq vec :=
  if k is k'.+1 then [seq one :: s | s <- corners k'] ++ [seq opp one :: s | s <- corners k'] else [:: [::]].
(* With one output all norms behind are one, and with one input all norms before. *)
Definition pair_of (m n : nat) (p q : norm) : norm * norm := (if n == 1 then L1 else p, if m == 1 then Linf else q).

(* A quadratic form, sum_i d_i x_i^2 + 2 x_i (r_i . x_(>i)): its triangle. Minus c (r . x)^2; and is it >= 0? *)
Definition form := seq (num * vec).
Fixpoint downdate c (r : vec) (Z : form) : form :=
  match r, Z with
  | a :: r', (d, t) :: Z' =>
      if is0 a then (d, t) :: downdate c r' Z'
      else let k := opp (mul c a) in (add d (mul k a), vadd t (vscale k r')) :: downdate c r' Z'
  | _, _ => Z
  end.
Fixpoint semidefinite_in (fuel : nat) (Z : form) : bool :=
  if fuel is fuel'.+1 then
    match Z with
    | [::] => true
    | (d, r) :: Z' => if is0 d then all is0 r && semidefinite_in fuel' Z'
                      else gt0 d && semidefinite_in fuel' (downdate (inv d) r Z')
    end
  else false.
Definition semidefinite (Z : form) : bool := semidefinite_in (size Z).+1 Z.
Definition diagonal (d : num) n : form := nseq n (d, [::]).
Definition gap (J : seq vec) (u : num) n : form := foldr (fun r Z => downdate one (take n r) Z) (diagonal (mul u u) n) J.

(* Is |J|_(p -> q) <= u, for the m x n matrix J? *)
Definition norm_le (pq : norm * norm) m n (J : seq vec) (u : num) : bool :=
  ge0 u && (size J == m) && match pq with
  | (L1, q) => all (fun c => at_most q c u) (transpose n J)
  | (p, Linf) => all (fun r => at_most (dual p) (take n r) u) J
  | (L2, L2) => semidefinite (gap J u n)
  | (L2, L1) => (m <= 16) && all (fun s => at_most L2 (mulvec (transpose n J) s) u) (corners m)
  | (Linf, q) => (n <= 16) && all (fun s => at_most q (mulvec J s) u) (corners n)
  end.

(* Is it >= l? Vectors are tried until one of them shows it. A vector on which a form is not > 0: *)
Fixpoint not_positive_in (fuel : nat) (Z : form) : vec :=
  match fuel, Z with
  | fuel'.+1, (d, r) :: Z' =>
      if gt0 d then let x := not_positive_in fuel' (downdate (inv d) r Z') in opp (mul (inv d) (dot r x)) :: x
      else one :: nseq (size Z') zero
  | _, _ => [::]
  end.
Definition trials (pq : norm * norm) m n (J : seq vec) (l : num) : seq vec :=
  match pq with
  | (L1, _) => [seq unit_vec j | j <- iota 0 n]
  | (L2, Linf) => J
  | (L2, L2) => [:: not_positive_in n (gap J l n)]
  | (L2, L1) => [seq mulvec (transpose n J) s | s <- corners m]
  | (Linf, Linf) => [seq [seq if ge0 a then one else opp one | a <- r] | r <- J]
  | (Linf, _) => corners n
  end.
Definition norm_ge (p q : norm) m n (J : seq vec) (l : num) : bool :=
  (size J == m) && has (fun v => let v := take n v in
    gt0 (square p v) && le (mul (mul l l) (square p v)) (square q (mulvec J v)))
    (trials (pair_of m n p q) m n J l ++ [seq unit_vec j | j <- iota 0 n]).

(* SLOPES: rows of lower and of upper ends. *)
Section Intervals.
Variable n : nat.
Definition vmin (x y : vec) : vec := mkseq (fun j => let a := nth zero x j in let b := nth zero y j in if le a b then a else b) n.
Definition vmax (x y : vec) : vec := mkseq (fun j => let a := nth zero x j in let b := nth zero y j in if le a b then b else a) n.
(* The ends of a times an interval (lo, hi) of vectors. *)
Definition iscale a (lh : vec * vec) : vec * vec :=
  if ge0 a then (vscale a lh.1, vscale a lh.2) else (vscale a lh.2, vscale a lh.1).
Definition ihull (x y : vec * vec) : vec * vec := (vmin x.1 y.1, vmax x.2 y.2).
Fixpoint icombine (w : vec) (rows : seq (vec * vec)) : vec * vec :=
  match w, rows with
  | a :: w', r :: rows' => let s := iscale a r in let t := icombine w' rows' in (vadd s.1 t.1, vadd s.2 t.2)
  | _, _ => ([::], [::])
  end.
Fixpoint iactivated (forms : seq (vec * vec)) (sl : seq (num * num)) (nd : signs) : seq (vec * vec) :=
  if forms is f :: forms' then
    (let p := head slope0 sl in
     match head None nd with
     | Some b => iscale (if b then p.2 else p.1) f
     | None => ihull (iscale p.1 f) (iscale p.2 f)
     end) :: iactivated forms' (behead sl) (behead nd)
  else [::].
Fixpoint slope_ranges N (nd : signs) (rows : seq (vec * vec)) : seq (vec * vec) :=
  match N with
  | Last W _ => [seq icombine w rows | w <- W]
  | Layer W _ sl rest =>
      slope_ranges rest (drop (size W) nd) (iactivated [seq icombine w rows | w <- W] sl nd)
  end.
Definition magnitudes (lh : vec * vec) : vec := vmax (map abs lh.1) (map abs lh.2).
Definition slope_sizes N nd : seq vec :=
  [seq magnitudes lh | lh <- slope_ranges N nd [seq (unit_vec j, unit_vec j) | j <- iota 0 n]].
End Intervals.

(* GRID: a common divisor of all entries of every Jacobian. *)
Definition divides (g x : num) : bool := is0 x || ~~ is0 g && integral (mul x (inv g)).
Definition gcd_of (x y : num) : num :=
  if is0 x then abs y else if is0 y then abs x else
  reduce (Num (Z.gcd (top x * Zpos (bot y)) (top y * Zpos (bot x))) (bot x * bot y)).
Definition gcd_all (xs : seq num) : num := foldr gcd_of zero xs.
Definition unit_of (xs : seq num) : option num := let g := gcd_all xs in if all (divides g) xs then Some g else None.
Fixpoint grid N : option num :=
  match N with
  | Last W _ => unit_of (flatten W)
  | Layer W _ sl rest =>
      match unit_of (flatten W), unit_of (flatten [seq [:: s.1; s.2] | s <- sl]), grid rest with
      | Some g, Some h, Some k => Some (mul k (mul h g))
      | _, _, _ => None
      end
  end.
Definition reaches N (pq : norm * norm) (enough upper : num) : bool :=
  le enough upper ||
  match pq, grid N with
  | (L2, L2), _ | _, None => false
  | (p, q), Some g =>
      if is0 g then true else gt0 g &&
      let power x := match p, q with L2, _ | _, L2 => mul x x | _, _ => x end in
      Z.eqb (floor (mul (power upper) (inv (power g)))) (floor (mul (power enough) (inv (power g))))
  end.

(* UPPER: the tree. *)
Inductive step := Split of nat | Empty of multipliers | Slopes.

Section Trees.
Variables (n : nat) (N : network) (X : domain) (pq : norm * norm) (u : num).
Definition undecided (nd : signs) i : bool := (i < size nd) && ~~ isSome (nth None nd i).
Definition decide (nd : signs) i b : signs := set_nth None nd i (Some b).
Definition opened (nd : signs) : node := open n N nd (identity n).

(* The proof of one node in preorder: what is left of the steps behind it, or None where a step does not hold. *)
Fixpoint tree (fuel : nat) (v : node) (steps : seq step) : option (seq step) :=
  if fuel is fuel'.+1 then
    let: (nd, known, J) := v in
    match steps with
    | [::] => None
    | Split i :: rest =>
        if undecided nd i then
          obind (tree fuel' (opened (decide nd i false))) (tree fuel' (opened (decide nd i true)) rest)
        else None
    | Empty M :: rest => if contradicted n N nd known M || refute n N X nd known M then Some rest else None
    | Slopes :: rest => if norm_le pq (outputs N) n (if J is Some j then j else slope_sizes n N nd) u then Some rest else None
    end
  else None.
End Trees.

(* LOWER: the Jacobian around x, if the network is affine there. *)
Fixpoint beside n (forms : seq linrow) (sl : seq (num * num)) (x : vec) : option signs :=
  if forms is f :: forms' then
    let y := rowat f x in
    if is0 y && ~~ linear (head slope0 sl) && ~~ flat n f.1 then None
    else omap (cons (Some (gt0 y))) (beside n forms' (behead sl) x)
  else Some [::].
Fixpoint around n N (rows : seq linrow) (x : vec) : option (seq vec) :=
  match N with
  | Last W b => Some [seq f.1 | f <- affine W b rows]
  | Layer W b sl rest =>
      let forms := affine W b rows in
      if beside n forms sl x is Some nd then around n rest (activated forms sl nd) x else None
  end.

(* The whole: does the certificate prove lower <= L <= upper? (upper None: nothing is claimed above.) *)
Record certificate := Certificate { witness : option vec; enough : option num; steps : option (seq step) }.

Definition lower_holds n N X p q (l : num) (c : certificate) : bool :=
  ge0 l && (0 < n) &&
  if witness c is Some x then
    inside n X x && (if around n N (identity n) x is Some J then norm_ge p q (outputs N) n J l else false)
  else is0 l && seen_open n X.
Definition upper_holds n N X p q (u : num) (c : certificate) : bool :=
  let pq := pair_of (outputs N) n p q in
  let e := if enough c is Some e then e else u in
  [&& ge0 u, ge0 e, reaches N pq e u &
   if steps c is Some ss then
     (if tree n N X pq e (size ss).+1 (opened n N (root N)) ss is Some [::] then true else false)
   else false].
Definition check n N X p q (lower : num) (upper : option num) (c : certificate) : bool :=
  lower_holds n N X p q lower c && (if upper is Some u then le lower u && upper_holds n N X p q u c else true).
